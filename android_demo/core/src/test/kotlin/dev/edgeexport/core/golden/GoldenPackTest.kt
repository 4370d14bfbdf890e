package dev.edgeexport.core.golden

import dev.edgeexport.core.TestBundle
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Tensor
import java.io.File
import java.nio.ByteBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class GoldenPackTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val bundle by lazy { TestBundle(temporary.newFolder("bundle")) }

    @Test
    fun `samples are calls`() {
        val pack = read()
        assertArrayEquals(intArrayOf(1, 2, 3), pack.sample(7).getValue("x").shape)
        assertEquals((7 * 6 + 2) * 37 % 101 / 7.0, pack.sample(7).getValue("x")[2], 1e-6)
        assertTrue(pack.atLimits.none { it })
    }

    @Test
    fun `inputs that are stored as bytes are read as their own type`() {
        bundle.pack { arrays ->
            val bytes = Tensor.zeros(DType.UINT8, arrays.getValue("input/x").shape)
            for (i in 0 until bytes.size) bytes.put(i, (i * 37L) % 256)
            arrays["input/x"] = bytes
        }
        val sample = read().sample(7).getValue("x")
        assertEquals(DType.FLOAT32, sample.dtype)
        assertEquals(((7 * 6 + 2) * 37 % 256).toDouble(), sample[2], 0.0)
    }

    @Test
    fun `places among judged samples become places in the pack`() {
        bundle.pack { arrays -> arrays.getValue("index").put(0, -1L) }
        assertEquals(4, read().realIndex(3, withLimits = false))
        assertEquals(3, read().realIndex(3, withLimits = true))
    }

    @Test
    fun `packs that prove nothing are told apart`() {
        refused("it holds 0 samples") { arrays ->
            for ((name, value) in arrays.toMap()) arrays[name] = Tensor.zeros(value.dtype, intArrayOf(0) + value.shape.drop(1))
        }
        refused("`output/y` holds NaN or Inf \\(first in sample 2\\)") { it.getValue("output/y").put(12, Double.NaN) }
        refused("it has no array `output/y`") { it.remove("output/y") }
        refused("unequal numbers of samples \\(19, 20\\)") { it["label"] = Tensor.zeros(DType.INT64, intArrayOf(19)) }
        refused("`input/x` holds int32 and its signature says float32") {
            it["input/x"] = Tensor.zeros(DType.INT32, intArrayOf(20, 1, 2, 3))
        }
        refused("`input/x` is \\[20, 1, 3, 2\\] and its signature says") {
            it["input/x"] = Tensor.zeros(DType.FLOAT32, intArrayOf(20, 1, 3, 2))
        }
        refused("it has no array `label` of one int64 a sample") { it.remove("label") }
    }

    @Test
    fun `files that are no packs`() {
        bundle.pack()
        val whole = file().readBytes()
        for ((sentence, bytes) in mapOf(
            "which is no safetensors file" to ByteArray(3),
            "its header should have" to ByteArray(64) { -1 },
            "the file is cut off or damaged" to whole.copyOf(whole.size - 8),
        )) {
            val error = assertThrows(GoldenException::class.java) { GoldenPack.read(direct(bytes)) }
            assertTrue("${error.message} is not: $sentence", sentence in error.message!!)
        }
    }

    private fun refused(sentence: String, change: (MutableMap<String, Tensor>) -> Unit) {
        bundle.pack(change = change)
        val error = assertThrows(GoldenException::class.java) { read() }
        assertTrue("${error.message} is not: $sentence", Regex(sentence).containsMatchIn(error.message!!))
    }

    private fun file() = File(bundle.folder, "golden/torch.safetensors")
    private fun read() = GoldenPack.read(direct(file().readBytes()))
    private fun direct(bytes: ByteArray) = ByteBuffer.allocateDirect(bytes.size).apply { put(bytes); clear() }
}
