package dev.edgeexport.core.engine

import dev.edgeexport.core.TestBundle
import dev.edgeexport.core.bundle.ManifestParser
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import dev.edgeexport.core.tensor.TensorSpec
import java.nio.ByteBuffer
import org.bytedeco.javacpp.Pointer
import org.json.JSONObject
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** What every engine keeps to, whatever library is behind it. */
@RunWith(Parameterized::class)
class EngineContractTest(private val engine: Engine, private val ending: String) {
    @Test
    fun `it says what it is and that it can run here`() {
        assertEquals("", engine.missing)
        assertTrue(engine.version.matches(Regex("\\d+\\.\\d+.*")))
        assertEquals("cpu", engine.devices.first().name)
        assertTrue(ending in engine.formats)
    }

    @Test
    fun `tensors are bound by name, in whatever order they come`() {
        open("crossed", CROSSED).use { session ->
            val inputs = linkedMapOf(
                "a" to Tensor.of(floatArrayOf(5f, 7f), 1, 2),
                "n" to whole(1, 2, 3, 4),
                "b" to Tensor.of(floatArrayOf(1f, 10f), 1, 2),
            )
            val outputs = session.run(inputs)
            assertEquals(setOf("difference", "count"), outputs.keys)
            assertArrayEquals(doubleArrayOf(4.0, -3.0), outputs.getValue("difference").toDoubles(), 0.0)
            assertArrayEquals(doubleArrayOf(2.0, 3.0, 4.0, 5.0), outputs.getValue("count").toDoubles(), 0.0)
            assertEquals(DType.INT32, outputs.getValue("count").dtype)
        }
    }

    @Test
    fun `an open axis takes the size of each call`() {
        open("affine", OPEN).use { session ->
            for (rows in listOf(1, 4, 2)) {
                val values = FloatArray(3 * rows) { it.toFloat() }
                val output = session.run(mapOf("x" to Tensor.of(values, 1, rows, 3))).getValue("y")
                assertArrayEquals(intArrayOf(1, rows, 3), output.shape)
                assertArrayEquals(DoubleArray(3 * rows) { it * 2.0 + 1 }, output.toDoubles(), 0.0)
            }
        }
    }

    @Test
    fun `outputs are the caller's own`() {
        open("affine", OPEN).use { session ->
            val first = session.run(mapOf("x" to Tensor.of(FloatArray(3), 1, 1, 3))).getValue("y")
            session.run(mapOf("x" to Tensor.of(FloatArray(3) { 9f }, 1, 1, 3)))
            assertArrayEquals(doubleArrayOf(1.0, 1.0, 1.0), first.toDoubles(), 0.0)
        }
    }

    @Test
    fun `a custom operator is named, and what to do`() {
        val error =
            assertThrows(EngineException::class.java) {
                open("custom", signature("x" to listOf(1, 4), "y" to listOf(1, 4)))
            }
        assertTrue(error.message!!, error.message!!.matches(Regex("`custom.$ending` needs the custom operator `(somebody\\.)?FancyWarp`, for which this app has no kernel; export .*")))
        assertTrue(error.unsupported)
    }

    @Test
    fun `a model for a newer runtime is told as one`() {
        val error = assertThrows(EngineException::class.java) { open("newer", CROSSED) }
        assertTrue(error.message!!, error.message!!.startsWith("`newer.$ending` needs a newer runtime: "))
        assertTrue(error.message!!, "99" in error.message!! && "Update the app" in error.message!!)
        assertTrue(error.unsupported)
    }

    @Test
    fun `what is closed is freed`() {
        fun openAndRun() = open("crossed", CROSSED).use { session ->
            session.run(mapOf("a" to Tensor.of(FloatArray(2), 1, 2), "b" to Tensor.of(FloatArray(2), 1, 2), "n" to whole(0, 0, 0, 0)))
        }
        repeat(100) { openAndRun() }
        val before = Pointer.physicalBytes()
        repeat(300) { openAndRun() }
        val grown = Pointer.physicalBytes() - before
        assertTrue("300 sessions left ${grown / 300} bytes each", grown < 30_000_000)
    }

    @Test
    fun `names that are not the manifest's are refused`() {
        val other = signature("x" to listOf(1, 1, 3), "z" to listOf(1, 1, 3))
        val error = assertThrows(EngineException::class.java) { open("affine", other) }
        assertTrue(error.message!!, "has the outputs [y] and the manifest says [z]" in error.message!!)
    }

    @Test
    fun `damage is one sentence`() {
        val whole = TestBundle.resource("models/affine.$ending")
        for (bytes in listOf(ByteArray(0), ByteArray(100) { -1 }, whole.copyOf(whole.size / 2))) {
            val error = assertThrows(EngineException::class.java) { open("damaged", OPEN, bytes) }
            assertTrue(error.message!!, "`damaged.$ending`" in error.message!! && '\n' !in error.message!!)
        }
    }

    private fun open(
        name: String,
        signature: Signature,
        bytes: ByteArray = TestBundle.resource("models/$name.$ending")
    ): Session {
        val direct = ByteBuffer.allocateDirect(bytes.size).apply { put(bytes); clear() }
        return engine.open(ModelFile("$name.$ending", ending, direct, signature))
    }

    companion object {
        private val ENGINES = listOf(TfLiteEngine() to "tflite", OnnxEngine() to "onnx")
        private val OPEN = ManifestParser.signature(JSONObject(TestBundle.OPEN))
        private val CROSSED = Signature(
            listOf(TensorSpec("n", listOf(1, 4), DType.INT32), TensorSpec("b", listOf(1, 2), DType.FLOAT32), TensorSpec("a", listOf(1, 2), DType.FLOAT32)),
            listOf(TensorSpec("count", listOf(1, 4), DType.INT32), TensorSpec("difference", listOf(1, 2), DType.FLOAT32)),
        )

        private fun signature(input: Pair<String, List<Int>>, output: Pair<String, List<Int>>) = Signature(
            listOf(TensorSpec(input.first, input.second, DType.FLOAT32)),
            listOf(TensorSpec(output.first, output.second, DType.FLOAT32)),
        )

        private fun whole(vararg values: Long) = Tensor.zeros(DType.INT32, intArrayOf(1, values.size)).also {
            values.forEachIndexed { i, value -> it.put(i, value) }
        }

        @JvmStatic
        @Parameterized.Parameters(name = "{1}")
        fun engines(): List<Array<Any>> = ENGINES.map { arrayOf(it.first, it.second) }
    }
}
