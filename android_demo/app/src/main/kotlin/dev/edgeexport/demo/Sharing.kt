package dev.edgeexport.demo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Lends single files of the folder `shared` in the cache to the app that a user sends them to, or to the camera that
 * writes one: each by a grant for that file, and nothing else of the app's.
 */
class Sharing : ContentProvider() {
    override fun onCreate() = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor =
        ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.parseMode(mode))

    override fun getType(uri: Uri) = if (uri.path.orEmpty().endsWith(".json")) "application/json" else "image/jpeg"

    override fun query(
        uri: Uri,
        projection: Array<out String>?,
        selection: String?,
        selectionArgs: Array<out String>?,
        sortOrder: String?,
    ): Cursor {
        val file = file(uri)
        val all = mapOf<String, Any>(OpenableColumns.DISPLAY_NAME to file.name, OpenableColumns.SIZE to file.length())
        val columns = (projection?.toList() ?: all.keys.toList()).filter { it in all }
        return MatrixCursor(columns.toTypedArray()).apply { addRow(columns.map { all[it] }) }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, selection: String?, selectionArgs: Array<out String>?) = 0

    override fun delete(uri: Uri, selection: String?, selectionArgs: Array<out String>?) = 0

    private fun file(uri: Uri): File {
        val folder = folder(context!!).canonicalFile
        val file = File(folder, uri.lastPathSegment.orEmpty()).canonicalFile
        if (file.parentFile != folder) throw FileNotFoundException("$uri")
        return file
    }

    companion object {
        private fun folder(context: Context) = File(context.cacheDir, "shared")

        /** A file to share, not yet written; its folder is there. */
        fun file(context: Context, name: String): File = File(folder(context).apply { mkdirs() }, name)

        fun uri(file: File): Uri = Uri.parse("content://dev.edgeexport.demo.sharing/${file.name}")
    }
}
