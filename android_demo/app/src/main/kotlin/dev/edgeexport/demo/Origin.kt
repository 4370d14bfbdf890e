package dev.edgeexport.demo

import dev.edgeexport.core.bundle.BundleSource
import java.io.File

/** Where a bundle is taken from. [key] finds it again after the process ended. */
sealed class Origin(val key: String) {
    /** The bundle that came with the app. */
    object Assets : Origin("assets")

    /** A folder or .zip that was pushed by adb. */
    class Pushed(val file: File) : Origin("file:${file.path}")

    /** A .zip that a user chose, copied into the app's own storage; [name] is what the user calls it. */
    class Chosen(val name: String) : Origin("chosen:$name")

    companion object {
        fun of(key: String): Origin = when {
            key.startsWith("file:") -> Pushed(File(key.removePrefix("file:")))
            key.startsWith("chosen:") -> Chosen(key.removePrefix("chosen:"))
            else -> Assets
        }
    }
}

/** The bundles that this phone holds. All of it reads and writes files: never called on the main thread. */
interface Library {
    /** The source of an origin; it is closed by who opened it. */
    fun source(origin: Origin): BundleSource

    /** Bundles that were pushed by adb. */
    fun pushed(): List<Origin.Pushed>

    /** Where the last good bundle lies. */
    fun last(): Origin

    /** Makes the bundle in [origin] the one to come back to. */
    fun keep(origin: Origin)

    /** Forgets what was received for [origin] and proved to be no good. */
    fun drop(origin: Origin)
}
