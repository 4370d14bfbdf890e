package dev.edgeexport.demo

import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns
import dev.edgeexport.core.bundle.BundleException
import dev.edgeexport.core.bundle.BundleFault
import dev.edgeexport.core.bundle.BundleSource
import dev.edgeexport.core.bundle.FolderSource
import dev.edgeexport.core.bundle.ZipSource
import java.io.File
import java.io.IOException
import java.util.UUID

/** The bundles of this phone: in the APK's assets, in the app's folder on the shared storage, and one chosen .zip. */
class PhoneLibrary(private val context: Context) : Library {
    private val note get() = File(context.filesDir, "bundle.txt")
    private val chosen get() = File(context.filesDir, "chosen.zip")
    private val incoming get() = File(context.cacheDir, "incoming.zip")

    /** Emptied once a process: what the last one left open is nobody's. */
    private val unpacked by lazy { File(context.cacheDir, "unpacked").apply { deleteRecursively() } }

    /** Where adb may push bundles to: `Android/data/dev.edgeexport.demo/files`; null while no storage is mounted. */
    private val shared get() = context.getExternalFilesDir(null)

    override fun source(origin: Origin): BundleSource = when (origin) {
        is Origin.Assets ->
            AssetSource(context.assets, File(context.cacheDir, "assets"), context.getString(R.string.own_bundle))
        is Origin.Pushed ->
            if (origin.file.isDirectory) FolderSource(origin.file) else zip(origin.file, origin.file.path)
        is Origin.Chosen -> zip(if (incoming.exists()) incoming else chosen, origin.name)
    }

    override fun pushed() = shared?.listFiles().orEmpty()
        .filter { it.isDirectory || it.name.endsWith(".zip") }
        .sortedBy { it.name }
        .map { Origin.Pushed(it) }

    override fun last(): Origin = if (note.exists()) Origin.of(note.readText()) else Origin.Assets

    override fun keep(origin: Origin) {
        if (origin is Origin.Chosen && incoming.exists() && !incoming.renameTo(chosen)) {
            throw IOException(context.getString(R.string.not_kept, origin.name))
        }
        replace(note, origin.key.toByteArray())
    }

    /**
     * Takes over a .zip that the user chose in the system's picker; nothing of the last one is lost before it is kept.
     */
    fun receive(uri: Uri): Origin.Chosen {
        val name = name(uri)
        incoming.delete()
        try {
            val stream = context.contentResolver.openInputStream(uri)
                ?: throw IOException(context.getString(R.string.no_answer))
            stream.use { from -> incoming.outputStream().use { from.copyTo(it) } }
        } catch (error: IOException) {
            incoming.delete()
            throw BundleException(BundleFault.NotReadable(name, error.message ?: error.javaClass.simpleName), error)
        } catch (error: SecurityException) { // the grant for this file is over
            incoming.delete()
            throw BundleException(BundleFault.NotReadable(name, context.getString(R.string.no_grant)), error)
        }
        return Origin.Chosen(name)
    }

    override fun drop(origin: Origin) {
        if (origin is Origin.Chosen) incoming.delete()
    }

    private fun zip(file: File, where: String): BundleSource =
        ZipSource(file, File(unpacked, UUID.randomUUID().toString()), where)

    private fun name(uri: Uri): String {
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME)
        val found = try {
            context.contentResolver.query(uri, columns, null, null, null)?.use {
                if (it.moveToFirst()) it.getString(0) else null
            }
        } catch (_: SecurityException) {
            null
        }
        return found ?: uri.lastPathSegment ?: context.getString(R.string.the_zip)
    }
}

/** Writes a file whole or not at all: to a name beside it, flushed, and renamed. */
fun replace(file: File, bytes: ByteArray) {
    val half = File(file.path + ".part")
    try {
        half.outputStream().use {
            it.write(bytes)
            it.fd.sync()
        }
        if (!half.renameTo(file)) throw IOException("${file.path} cannot be written")
    } finally {
        half.delete()
    }
}
