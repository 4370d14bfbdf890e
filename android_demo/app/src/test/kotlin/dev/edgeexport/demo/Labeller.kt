package dev.edgeexport.demo

import dev.edgeexport.core.bundle.BundleReader
import dev.edgeexport.core.bundle.Classes
import dev.edgeexport.core.bundle.FolderSource
import dev.edgeexport.core.engine.TfLiteEngine
import dev.edgeexport.core.image.Preprocessor
import dev.edgeexport.core.run.Call
import java.io.File
import java.nio.ByteBuffer

/** Names what is in a picture, with the smallest model of a bundle that passed. */
class Labeller(folder: File) : AutoCloseable {
    private val bundle = BundleReader.open(FolderSource(folder)) // checks every file's sha256
    private val artifact =
        bundle.artifacts.filter { it.format == "tflite" && it.outcome == "PASSED" }.minBy { it.sizeBytes }
    private val session = TfLiteEngine().open(bundle.model(artifact))
    private val call = Call(artifact, session) // layouts and quantization, by the manifest
    private val input = artifact.source.inputs.single()
    private val output = Classes.output(artifact.source)!!
    private val rules = bundle.manifest.preprocessing.getValue(input.name)
    private val preprocessor = Preprocessor(BitmapDecoder)

    /** The label of a PNG or JPEG. It takes a while: call it off the main thread, one call at a time. */
    fun label(picture: ByteArray): String {
        val pixels = preprocessor.tensor(ByteBuffer.wrap(picture), rules, input)
        val scores = call.run(mapOf(input.name to pixels)).getValue(output.name).toDoubles()
        return bundle.labels[scores.indices.maxBy { scores[it] }]
    }

    override fun close() {
        session.close()
        bundle.close()
    }
}
