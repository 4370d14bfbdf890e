package dev.edgeexport.core.bundle

import java.io.File
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.util.zip.ZipEntry
import java.util.zip.ZipException
import java.util.zip.ZipFile

/** What an archive may unpack to. */
class ZipLimits(val entryBytes: Long = 1L shl 30, val totalBytes: Long = 2L shl 30, val entries: Int = 10_000)

/**
 * A bundle in a `.zip`, unpacked into [scratch] once, every name and size checked before a byte is written.
 *
 * The bundle may be the archive's top, or its only folder, as file managers pack one. [scratch] is emptied on close.
 *
 * @throws BundleException no archive, an empty one, names that lead out, too large, one name twice
 */
class ZipSource(
    archive: File,
    private val scratch: File,
    override val where: String = archive.path,
    private val limits: ZipLimits = ZipLimits(),
) : BundleSource {
    private val folder: FolderSource

    init {
        scratch.deleteRecursively()
        try {
            if (!scratch.mkdirs()) {
                throw BundleException(BundleFault.NotReadable(where, "no place to unpack it at $scratch"))
            }
            unpack(archive)
            folder = FolderSource(top(), where)
        } catch (error: Throwable) {
            scratch.deleteRecursively()
            throw error
        }
    }

    override fun exists(name: String) = folder.exists(name)
    override fun size(name: String) = folder.size(name)
    override fun open(name: String): InputStream = folder.open(name)
    override fun map(name: String): ByteBuffer = folder.map(name)

    override fun close() {
        scratch.deleteRecursively()
    }

    private fun unpack(archive: File) {
        try {
            ZipFile(archive).use { zip ->
                val entries = zip.entries().asSequence().take(limits.entries + 1).toList()
                check(entries)
                for (entry in entries) if (!entry.isDirectory) write(zip, entry)
            }
        } catch (error: ZipException) {
            val empty = archive.length() == EMPTY_ARCHIVE_BYTES
            val broken = BundleFault.NotReadable(where, error.message ?: "no .zip")
            throw BundleException(if (empty) BundleFault.EmptyArchive(where) else broken, error)
        } catch (error: java.io.IOException) {
            throw BundleException(BundleFault.NotReadable(where, error.message ?: error.javaClass.simpleName), error)
        } catch (error: IllegalArgumentException) { // a name that is no text
            throw BundleException(BundleFault.NotReadable(where, error.message ?: "damaged names"), error)
        }
    }

    private fun check(entries: List<ZipEntry>) {
        if (entries.none { !it.isDirectory }) throw BundleException(BundleFault.EmptyArchive(where))
        if (entries.size > limits.entries) {
            throw BundleException(BundleFault.NotReadable(where, "it holds more than ${limits.entries} files"))
        }
        val seen = HashSet<String>()
        var total = 0L
        for (entry in entries) {
            val name = entry.name
            if (!staysInside(if (entry.isDirectory) name.trimEnd('/') else name)) {
                throw BundleException(BundleFault.LeadsOut(where, name))
            }
            if (!seen.add(name)) throw BundleException(BundleFault.Duplicate(where, name))
            if (entry.size > limits.entryBytes) {
                throw BundleException(BundleFault.TooLarge(where, name, entry.size, limits.entryBytes))
            }
            total += maxOf(entry.size, 0)
            if (total > limits.totalBytes) {
                throw BundleException(BundleFault.TooLarge(where, name, total, limits.totalBytes))
            }
        }
    }

    /** Writes an entry; one that unpacks to more than it says stops there. */
    private fun write(zip: ZipFile, entry: ZipEntry) {
        val target = File(scratch, entry.name)
        target.parentFile?.mkdirs()
        zip.getInputStream(entry).use { from -> target.outputStream().use { copy(from, it, entry) } }
    }

    private fun copy(from: InputStream, to: OutputStream, entry: ZipEntry) {
        val piece = ByteArray(1 shl 16)
        var left = if (entry.size < 0) limits.entryBytes else entry.size
        while (true) {
            val count = from.read(piece)
            if (count < 0) return
            left -= count
            if (left < 0) throw BundleException(BundleFault.Bomb(where, entry.name))
            to.write(piece, 0, count)
        }
    }

    private fun top(): File {
        val inside = scratch.listFiles().orEmpty()
        val only = inside.singleOrNull { it.isDirectory && it.name != "__MACOSX" }
        val bare = !File(scratch, Bundle.MANIFEST).isFile && only != null && inside.none { it.isFile }
        return if (bare) only!! else scratch
    }

    private companion object {
        /** The end record alone. */
        const val EMPTY_ARCHIVE_BYTES = 22L
    }
}
