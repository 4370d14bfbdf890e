package dev.edgeexport.demo

import android.content.res.AssetManager
import dev.edgeexport.core.bundle.BundleSource
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/**
 * The bundle that came with the app, in the folder `bundle` of its assets.
 *
 * A model that the APK holds uncompressed is mapped as it lies there; anything else is copied to [scratch] first, once.
 */
class AssetSource(private val assets: AssetManager, private val scratch: File, override val where: String) :
    BundleSource {
    override fun exists(name: String) = try {
        open(name).close()
        true
    } catch (_: IOException) {
        false
    }

    override fun size(name: String): Long = try {
        assets.openFd(path(name)).use { it.length }
    } catch (_: FileNotFoundException) { // compressed: its size is known when it is read
        val piece = ByteArray(1 shl 16)
        open(name).use { stream -> generateSequence { stream.read(piece) }.takeWhile { it >= 0 }.sumOf { it.toLong() } }
    }

    override fun open(name: String): InputStream = assets.open(path(name))

    override fun map(name: String): ByteBuffer = try {
        val file = assets.openFd(path(name))
        file.createInputStream().use { it.channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.length) }
    } catch (_: FileNotFoundException) {
        RandomAccessFile(unpacked(name), "r").use { it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.length()) }
    }

    private fun unpacked(name: String): File {
        val file = File(scratch, name)
        file.parentFile?.mkdirs()
        open(name).use { from -> file.outputStream().use { from.copyTo(it) } }
        return file
    }

    private fun path(name: String) = "$FOLDER/$name"

    companion object {
        const val FOLDER = "bundle"
    }
}
