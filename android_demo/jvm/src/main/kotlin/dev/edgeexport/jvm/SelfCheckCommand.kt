package dev.edgeexport.jvm

import dev.edgeexport.core.bundle.BundleReader
import dev.edgeexport.core.bundle.BundleSource
import dev.edgeexport.core.bundle.FolderSource
import dev.edgeexport.core.bundle.ZipSource
import dev.edgeexport.core.check.Outcome
import dev.edgeexport.core.engine.OnnxEngine
import dev.edgeexport.core.engine.TfLiteEngine
import dev.edgeexport.core.golden.SafetensorsFile
import dev.edgeexport.core.image.Preprocessor
import dev.edgeexport.core.report.Report
import dev.edgeexport.core.run.Place
import dev.edgeexport.core.run.SelfCheck
import java.io.File
import java.nio.file.Files

/** The app's self-check on a bundle in a folder or a .zip; its report as JSON. */
object SelfCheckCommand {
    private val OPTIONS = setOf("out", "outputs", "host", "threads")

    fun run(arguments: List<String>): Int {
        val options = Options(arguments, OPTIONS)
        val out = File(options.required("out"))
        val host = options["host"] ?: "JVM"
        source(File(options.argument)).use { source ->
            val start = System.nanoTime()
            val bundle = BundleReader.open(source)
            val opened = System.nanoTime()
            val formats = bundle.artifacts.map { it.format }.toSet()
            val engines = listOfNotNull(
                if ("tflite" in formats) TfLiteEngine() else null,
                if ("onnx" in formats || "ort" in formats) OnnxEngine() else null,
            )
            val folder = options["outputs"]?.let(::File)
            folder?.mkdirs()
            val place = Place("android-jvm", host, emulated = host)
            val check =
                SelfCheck(bundle, engines, place, Preprocessor(ImageIoDecoder()), options.count("threads", 1)) {
                        cell,
                        outputs
                    ->
                    folder?.let { SafetensorsFile.write(File(it, "${cell.artifact}.safetensors"), outputs) }
                }
            val results = check.run()
            val timings =
                mapOf("open bundle" to (opened - start) * 1e-9, "self-check" to (System.nanoTime() - opened) * 1e-9)
            val environment =
                engines.associate { it.name to it.version } + mapOf("java" to System.getProperty("java.version"))
            val report = Report(bundle, results.map { it.cell }, environment, timingsS = timings)
            out.writeText(report.json())
            return if (report.outcome == Outcome.PASSED) 0 else ExitCode.FAILED
        }
    }

    private fun source(path: File): BundleSource {
        if (path.isDirectory) return FolderSource(path)
        if (!path.isFile) throw UsageException("there is no $path")
        return ZipSource(path, Files.createTempDirectory("edge-export-").toFile())
    }
}
