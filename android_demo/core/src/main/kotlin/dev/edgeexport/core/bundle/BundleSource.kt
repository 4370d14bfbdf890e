package dev.edgeexport.core.bundle

import java.io.Closeable
import java.io.InputStream
import java.nio.ByteBuffer

/**
 * Where the files of a bundle lie: a folder, a `.zip`, the assets of an APK.
 *
 * Names are relative, with forward slashes. [open] and [map] throw [java.io.FileNotFoundException] for a name that is
 * not there.
 */
interface BundleSource : Closeable {
    /** What a user calls it: a path, or "the app's own assets". */
    val where: String

    fun exists(name: String): Boolean

    /** The size of a file in bytes. */
    fun size(name: String): Long

    fun open(name: String): InputStream

    /** The whole file as a direct buffer, mapped where that can be, and never copied to the Java heap. */
    fun map(name: String): ByteBuffer

    override fun close() {}
}
