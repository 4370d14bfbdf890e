package dev.edgeexport.core.bundle

import dev.edgeexport.core.check.Gates
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.golden.GoldenPack
import java.io.Closeable
import java.nio.ByteBuffer

/** A verified bundle: every file that its manifest names is there and is the one that was written. */
class Bundle internal constructor(
    val source: BundleSource,
    val manifest: Manifest,
    /** The names of the classes; empty where the model has none. */
    val labels: List<String>,
    val gates: Gates,
    private val packs: Map<String, GoldenPack>,
) : Closeable by source {
    val where get() = source.where

    /** The artifacts by file name, as the manifest lists them. */
    val artifacts get() = manifest.artifacts

    /** The golden pack of a framework. */
    fun golden(framework: String): GoldenPack = packs.getValue(framework)

    /** An artifact's file for an engine. A folder, as Core ML's, has no bytes of its own. */
    fun model(entry: ArtifactEntry): ModelFile {
        val bytes = if (source.exists(entry.file)) source.map(entry.file) else ByteBuffer.allocateDirect(0)
        return ModelFile(entry.file, entry.format, bytes, entry.signature)
    }

    companion object {
        const val MANIFEST = "manifest.json"
    }
}
