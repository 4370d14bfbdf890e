package dev.edgeexport.core.tensor

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class AdaptTest {
    private val nchw = TensorSpec("x", listOf(1, 2, 1, 3), DType.FLOAT32, "NCHW")
    private val values = Tensor.of(FloatArray(6) { it.toFloat() }, 1, 2, 1, 3)

    @Test
    fun `axes move by their letters`() {
        val moved = Adapt.one(values, nchw, nchw.copy(shape = listOf(1, 1, 3, 2), layout = "NHWC"))
        assertArrayEquals(intArrayOf(1, 1, 3, 2), moved.shape)
        assertArrayEquals(doubleArrayOf(0.0, 3.0, 1.0, 4.0, 2.0, 5.0), moved.toDoubles(), 0.0)
    }

    @Test
    fun `quantizing rounds half away from zero and clips`() {
        val real = Tensor.of(floatArrayOf(0.25f, 0.75f, -0.25f, -0.75f, 0.49999997f, 1000f, -1000f, Float.POSITIVE_INFINITY), 8)
        val stored = Adapt.quantize(real, 0.5, 3, DType.INT8)
        assertEquals(listOf<Long>(4, 5, 2, 1, 4, 127, -128, 127), (0 until 8).map(stored::integer))
        assertThrows(AdaptException::class.java) {
            Adapt.quantize(Tensor.of(floatArrayOf(Float.NaN), 1), 0.5, 0, DType.INT8)
        }
    }

    @Test
    fun `real numbers come back from stored ones`() {
        val stored = Tensor.zeros(DType.UINT8, intArrayOf(2)).apply { put(0, 200L); put(1, 0L) }
        assertArrayEquals(doubleArrayOf(36.0, -64.0), Adapt.dequantize(stored, 0.5, 128).toDoubles(), 0.0)
    }

    @Test
    fun `what does not fit is told`() {
        for ((sentence, wanted) in mapOf(
            "nobody knows how layout `NCHW` becomes `NXYZ`" to nchw.copy(layout = "NXYZ"),
            "float32 does not become int8 without a scale" to nchw.copy(dtype = DType.INT8),
        )) {
            val error = assertThrows(AdaptException::class.java) { Adapt.one(values, nchw, wanted) }
            assertTrue(error.message!!, sentence in error.message!!)
        }
        assertThrows(AdaptException::class.java) { Adapt.all(mapOf("y" to values), listOf(nchw), listOf(nchw)) }
        assertThrows(AdaptException::class.java) { Adapt.one(Tensor.of(FloatArray(6), 6), nchw, nchw) }
    }

    @Test
    fun `half floats there and back, each of them`() {
        for (bits in 0 until 0x10000) {
            val value = halfToDouble(bits.toShort())
            if (!value.isNaN()) assertEquals(bits, doubleToHalf(value).toInt() and 0xffff)
        }
        assertEquals(0x7c00, doubleToHalf(1e6).toInt())
        assertTrue(halfToDouble(doubleToHalf(Double.NaN)).isNaN())
    }
}
