package dev.edgeexport.core.bundle

import dev.edgeexport.core.TestBundle
import dev.edgeexport.core.engine.OnnxEngine
import dev.edgeexport.core.engine.TfLiteEngine
import dev.edgeexport.core.run.Place
import dev.edgeexport.core.run.SelfCheck
import java.io.File
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/**
 * Every value of a bundle's texts replaced by odd ones, vouched for: a sentence, or rows that say so; never anything
 * else.
 */
class FuzzTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val bundle by lazy { TestBundle(temporary.newFolder("bundle")) }
    private val engines = listOf(TfLiteEngine(), OnnxEngine())

    @Test
    fun `of the manifest`() = fuzz("manifest.json") { text -> File(bundle.folder, "manifest.json").writeText(text) }

    @Test
    fun `of the gates`() = fuzz("gates.json") { text -> bundle.put("gates.json", text.toByteArray()) }

    private fun fuzz(name: String, put: (String) -> Unit) {
        val original = File(bundle.folder, name).readText()
        var refused = 0
        var tried = 0
        for (path in paths(JSONObject(original))) for (odd in ODD) {
            val root = JSONObject(original)
            replace(root, path, odd)
            put(root.toString())
            tried++
            try {
                val cells = bundle.open().use {
                    SelfCheck(it, engines, Place("android", "Pixel"), memory = { 1L shl 28 }).run()
                }.map { it.cell }
                assertTrue("$path = $odd", cells.all { cell -> cell.reasons.all { it.isNotBlank() } })
            } catch (error: BundleException) {
                refused++
                assertTrue("${error.message} of $path = $odd", error.message!!.endsWith(".") && '\n' !in error.message!!)
            } catch (error: Throwable) {
                throw AssertionError("$path = $odd: $error", error)
            }
        }
        assertTrue("$refused of $tried", tried > 100 && refused > tried / 3)
    }

    private fun paths(value: Any?, before: List<Any> = emptyList()): List<List<Any>> = when (value) {
        is JSONObject -> value.keys().asSequence().sorted().toList().flatMap { paths(value.get(it), before + it) }
        is JSONArray -> (0 until value.length()).flatMap { paths(value.get(it), before + it) }
        else -> emptyList()
    } + if (before.isEmpty()) emptyList() else listOf(before)

    private fun replace(root: JSONObject, path: List<Any>, odd: Any) {
        val parent = path.dropLast(1).fold(root as Any) { at, step ->
            if (at is JSONObject) at.get(step as String) else (at as JSONArray).get(step as Int)
        }
        val last = path.last()
        when (parent) {
            is JSONObject -> if (odd === GONE) parent.remove(last as String) else parent.put(last as String, odd)
            is JSONArray -> if (odd === GONE) parent.remove(last as Int) else parent.put(last as Int, odd)
        }
    }

    private companion object {
        val GONE = Any()
        val ODD = listOf(
            GONE, JSONObject.NULL, -1, 1_000_000_000, 1e300, "", "float16", "../x", JSONObject(),
            JSONArray(listOf(1, 1 shl 20, 1 shl 20, 3)),
        )
    }
}
