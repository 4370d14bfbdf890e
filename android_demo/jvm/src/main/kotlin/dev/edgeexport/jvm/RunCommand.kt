package dev.edgeexport.jvm

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.FolderSource
import dev.edgeexport.core.bundle.ManifestParser
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.OnnxEngine
import dev.edgeexport.core.engine.TfLiteEngine
import dev.edgeexport.core.golden.GoldenPack
import dev.edgeexport.core.golden.Safetensors
import dev.edgeexport.core.golden.SafetensorsFile
import dev.edgeexport.core.run.Call
import dev.edgeexport.core.run.StackedRun
import java.io.File
import org.json.JSONObject

/**
 * One model on stacked samples, (n, *shape) by name, in the source model's layout; its outputs in the same.
 *
 * The specification is JSON: `path`, `format`, and both signatures as a manifest has them.
 */
object RunCommand {
    fun run(arguments: List<String>): Int {
        val options = Options(arguments, setOf("samples", "out", "threads"))
        val spec = JSONObject(File(options.argument).readText())
        val path = File(spec.getString("path")).absoluteFile
        val format = spec.getString("format")
        val signature = ManifestParser.signature(spec.getJSONObject("signature"))
        val source = ManifestParser.signature(spec.getJSONObject("source_signature"))
        val entry = ArtifactEntry(path.name, "", "", "", "", format, "", path.length(), signature, source, "")
        val engine = if (format == "tflite") TfLiteEngine() else OnnxEngine()
        val samples = file(options.required("samples"))
        val inputs = source.inputs.associate { it.name to samples[it.name]!! }
        val count = inputs.values.first().shape[0]
        val model = ModelFile(path.name, format, FolderSource(path.parentFile).map(path.name), signature)
        val sample = { i: Int -> inputs.mapValues { GoldenPack.slice(it.value, i) } }
        engine.open(model, threads = options.count("threads", 1)).use { session ->
            val run = StackedRun.of(count, sample, Call(entry, session)) ?: return ExitCode.FAILED
            SafetensorsFile.write(File(options.required("out")), run.outputs)
        }
        return 0
    }

    private fun file(path: String): Safetensors {
        val file = File(path).absoluteFile
        return Safetensors.read(FolderSource(file.parentFile).map(file.name))
    }
}
