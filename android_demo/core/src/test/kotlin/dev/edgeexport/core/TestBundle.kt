package dev.edgeexport.core

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.BundleReader
import dev.edgeexport.core.bundle.FolderSource
import dev.edgeexport.core.golden.SafetensorsFile
import dev.edgeexport.core.report.Json
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Tensor
import java.io.File
import java.security.MessageDigest
import org.json.JSONObject

/**
 * A bundle of models that compute y = 2 x + 1, written to a folder, and ways to damage it that its hashes vouch for.
 */
class TestBundle(val folder: File, models: List<String> = listOf("affine.tflite", "affine.onnx")) {
    val samples = 20

    init {
        File(folder, "golden").mkdirs()
        for (model in models) File(folder, model).writeBytes(resource("models/$model"))
        File(folder, "gates.json").writeText(GATES)
        File(folder, "gates.toml").writeText("# see gates.json")
        pack()
        File(folder, "manifest.json").writeText(Json.text(manifest(models)))
    }

    fun open(): Bundle = BundleReader.open(FolderSource(folder))

    /** Changes the manifest as JSON. */
    fun edit(change: JSONObject.() -> Unit) {
        val file = File(folder, "manifest.json")
        file.writeText(JSONObject(file.readText()).apply(change).toString())
    }

    /** Another file under a name, and a manifest that vouches for it. */
    fun put(name: String, content: ByteArray) {
        File(folder, name).writeBytes(content)
        edit { getJSONObject("files").put(name, JSONObject(record(name))) }
    }

    /** Writes the golden pack, changed. */
    fun pack(
        shape: IntArray = intArrayOf(1, 2, 3),
        spec: Map<String, Any?> = X,
        change: (MutableMap<String, Tensor>) -> Unit = {}
    ) {
        val x = Tensor.zeros(DType.FLOAT32, intArrayOf(samples) + shape)
        val y = Tensor.zeros(DType.FLOAT32, intArrayOf(samples, 1, 2, 3))
        for (i in 0 until x.size) x.put(i, (i * 37 % 101) / 7.0)
        for (i in 0 until y.size) y.put(i, x[i].toFloat() * 2.0 + 1.0)
        val whole = { value: Long ->
            Tensor.zeros(DType.INT64, intArrayOf(samples)).also { for (i in 0 until samples) it.put(i, value) }
        }
        val arrays = linkedMapOf("input/x" to x, "output/y" to y, "label" to whole(-1), "index" to whole(3))
        change(arrays)
        val metadata = mapOf(
            "kind" to "golden-pack",
            "schema_version" to "2",
            "signature" to JSONObject(mapOf("inputs" to listOf(spec), "outputs" to listOf(Y))).toString(),
        )
        SafetensorsFile.write(File(folder, "golden/torch.safetensors"), arrays, metadata)
    }

    private fun manifest(models: List<String>) = linkedMapOf(
        "schema_version" to 2,
        "model" to "affine",
        "artifacts" to models.map { model ->
            val format = model.substringAfter('.')
            linkedMapOf(
                "file" to model, "model" to "affine", "framework" to "torch", "route" to "litert", "precision" to "fp32",
                "format" to format, "sha256" to sha256(File(folder, model)), "size_bytes" to File(folder, model).length(),
                "signature" to OPEN, "source_signature" to mapOf("inputs" to listOf(X), "outputs" to listOf(Y)), "outcome" to "PASSED",
            )
        },
        "preprocessing" to emptyMap<String, Any?>(),
        "labels" to "",
        "golden" to mapOf("torch" to "golden/torch.safetensors"),
        "gates" to "gates.toml",
        "pictures" to emptyList<Any?>(),
        "report" to emptyMap<String, Any?>(),
        "files" to (models + listOf("gates.json", "gates.toml", "golden/torch.safetensors")).associateWith(::record),
    )

    private fun record(name: String) =
        File(folder, name).let { mapOf("sha256" to sha256(it), "size_bytes" to it.length()) }

    companion object {
        val X = spec("x", listOf(1, 2, 3))
        val Y = spec("y", listOf(1, 2, 3))
        val OPEN =
            mapOf("inputs" to listOf(spec("x", listOf(1, null, 3))), "outputs" to listOf(spec("y", listOf(1, null, 3))))
        private const val PARITY =
            """{"min_samples": 16, "max_rel_range": 1e-5, "min_snr_db": 100, "min_moving_snr_db": 80,
            "min_cosine": 0.999, "min_top1": 1.0, "max_edge_share": 0.99, "at_limits": true}"""
        const val GATES = """{"schema_version": 1, "precisions": ["fp32", "fp16"], "gates": {"parity": {"fp32": $PARITY,
            "fp16": $PARITY}, "kernels": {"android": {"max_rel_range": 1e-3, "min_snr_db": 60}},
            "latency": {"confidence": 0.98, "min_rounds": 8, "equal_within": 0.02}, "pictures": {"max_steps": 4, "min_top1": 1}}}"""

        private fun spec(name: String, shape: List<Int?>) = mapOf(
            "name" to name, "shape" to shape, "dtype" to "float32", "layout" to "", "scale" to null, "zero_point" to null,
            "meaning" to "", "limits" to null,
        )

        fun resource(name: String): ByteArray =
            TestBundle::class.java.classLoader.getResourceAsStream(name)!!.use { it.readBytes() }

        fun sha256(file: File): String =
            MessageDigest.getInstance("SHA-256").digest(file.readBytes()).joinToString("") { "%02x".format(it) }
    }
}
