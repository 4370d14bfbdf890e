package dev.edgeexport.core.bundle

import java.io.File
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.InputStream
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** A bundle in a folder. Links that lead out of it are as good as not there. */
class FolderSource(folder: File, override val where: String = folder.path) : BundleSource {
    private val folder: File = folder.canonicalFile

    override fun exists(name: String) = file(name).isFile

    override fun size(name: String) = there(name).length()

    override fun open(name: String): InputStream = FileInputStream(there(name))

    override fun map(name: String): ByteBuffer =
        RandomAccessFile(there(name), "r").use { it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.length()) }

    private fun there(name: String): File = file(name).also { if (!it.isFile) throw FileNotFoundException(name) }

    private fun file(name: String): File {
        val found = File(folder, name).canonicalFile
        if (!found.path.startsWith(folder.path + File.separator)) {
            throw BundleException(BundleFault.LeadsOut(where, name))
        }
        return found
    }
}
