package dev.edgeexport.core.bundle

import dev.edgeexport.core.TestBundle
import java.io.File
import org.json.JSONArray
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class BundleReaderTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private lateinit var bundle: TestBundle

    @Before
    fun write() {
        bundle = TestBundle(temporary.newFolder("bundle"))
    }

    @Test
    fun `a whole bundle is read, and tells how far it is`() {
        val told = mutableListOf<Double>()
        val opened = BundleReader.open(FolderSource(bundle.folder)) { told += it }
        assertEquals(listOf("affine.tflite", "affine.onnx"), opened.artifacts.map { it.file })
        assertEquals(20, opened.golden("torch").samples)
        assertEquals(1.0, told.last(), 0.0)
        assertEquals(told.sorted(), told)
    }

    @Test
    fun `each fault is its own sentence, which says what to do`() {
        val golden = "golden/torch.safetensors"
        val faults = linkedMapOf<String, (TestBundle) -> Unit>(
            "holds no manifest.json, so it is no bundle" to { it.file("manifest.json").delete() },
            "The manifest of .* is damaged: .*; export the bundle again" to {
                it.file("manifest.json").writeText("{\"schema_version\": 2")
            },
            "is damaged: unknown key `surprise`" to { it.edit { put("surprise", 1) } },
            "is written by schema version 99 and this app reads versions 1 to 2; update the app" to {
                it.edit { put("schema_version", 99) }
            },
            "lacks the file `affine.onnx`; copy the whole bundle again" to { it.file("affine.onnx").delete() },
            "`affine.onnx` in .* has 1 bytes and 153 were written" to {
                it.file("affine.onnx").writeBytes(ByteArray(1))
            },
            "`affine.onnx` in .* is not the file that was written: its sha256 differs" to { one ->
                one.file("affine.onnx").let { it.writeBytes(it.readBytes().apply { this[9] = (this[9] + 1).toByte() }) }
            },
            "names the file `../x`, which leads out of the bundle; do not use it" to {
                it.edit { getJSONObject("files").put("../x", getJSONObject("files").get(golden)) }
            },
            "`gates.toml` in .* has no sha256 in the manifest" to {
                it.edit { getJSONObject("files").remove("gates.toml") }
            },
            "The gates of .* cannot judge: there is no gates.json" to {
                it.edit { getJSONObject("files").remove("gates.json") }
            },
            "The gates of .* cannot judge: gates.json has no tolerances for int8" to {
                it.edit { getJSONArray("artifacts").getJSONObject(0).put("precision", "int8") }
            },
            "has 1001 labels for 3 classes; write one name a line" to {
                it.put("labels.txt", "x\n".repeat(1001).toByteArray())
                it.edit {
                    put("labels", "labels.txt"); getJSONArray("artifacts").getJSONObject(0).getJSONObject("source_signature").getJSONArray("outputs").getJSONObject(0).put("meaning", "logits")
                }
            },
            "has 0 labels for 3 classes; write one name a line" to {
                it.put("labels.txt", ByteArray(0))
                it.edit {
                    put("labels", "labels.txt")
                    getJSONArray("artifacts").getJSONObject(0).getJSONObject("source_signature").getJSONArray("outputs")
                        .getJSONObject(0).put("meaning", "logits")
                }
            },
            "is vouched for with two different sha256" to {
                it.edit { getJSONArray("artifacts").getJSONObject(0).put("sha256", "0".repeat(64)) }
            },
            "proves nothing: it has 3 bytes" to { it.put(golden, ByteArray(3)) },
            "preprocessing.x has the colour `cmyk`, which this app does not know" to {
                it.edit {
                    getJSONObject("preprocessing").put("x", org.json.JSONObject("""{"width": 1, "height": 1, "colour": "cmyk", "resize": "bilinear", "keep_aspect": false, "value_range": [0, 255], "dtype": "float32", "layout": ""}"""))
                }
            },
        )
        faults.entries.forEachIndexed { number, (sentence, harm) ->
            val one = TestBundle(temporary.newFolder("harmed$number"))
            harm(one)
            val error = assertThrows(sentence, BundleException::class.java) { one.open() }
            assertTrue("${error.message} is not: $sentence", Regex(sentence).containsMatchIn(error.message!!))
            assertTrue(error.message!!.endsWith(".") && '\n' !in error.message!!)
        }
    }

    @Test
    fun `an artifact that is a folder is vouched for by its files`() {
        bundle.file("affine.mlpackage").mkdir()
        bundle.put("affine.mlpackage/model", "model".toByteArray())
        bundle.edit {
            val entry = org.json.JSONObject(getJSONArray("artifacts").getJSONObject(0).toString())
            put("artifacts", JSONArray(listOf(entry.put("file", "affine.mlpackage").put("format", "coreml"))))
        }
        val opened = bundle.open()
        assertEquals(0, opened.model(opened.artifacts.single()).bytes.capacity())
    }

    private fun TestBundle.file(name: String) = File(folder, name)
}
