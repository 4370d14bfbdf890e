package dev.edgeexport.core.image

import dev.edgeexport.core.bundle.ImageRules
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.TensorSpec
import java.nio.ByteBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class ImageTest {
    private val rgb = TensorSpec("image", listOf(1, 3, 2, 2), DType.FLOAT32, "NCHW")

    @Test
    fun `alpha lies on black, as Pillow composes it`() {
        // Image.alpha_composite(Image.new("RGBA", (1, 1), (0, 0, 0, 255)), Image.new("RGBA", (1, 1), (200, 10, 255, a)))
        for ((alpha, wanted) in mapOf(0 to listOf(0, 0, 0), 1 to listOf(1, 0, 1), 100 to listOf(78, 4, 100), 254 to listOf(199, 10, 254))) {
            val opaque = Colour.opaque(picture(1, 1, 4, 200, 10, 255, alpha))
            assertEquals(wanted, opaque.values.map { it.toInt() and 0xff })
        }
    }

    @Test
    fun `grey is rounded as Pillow rounds it`() {
        assertEquals(listOf(76, 150, 29, 128), grey(255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128))
    }

    private fun grey(vararg values: Int) =
        Colour.grey(picture(values.size / 3, 1, 3, *values)).values.map { it.toInt() and 0xff }

    @Test
    fun `each orientation puts the first pixel where it belongs`() {
        // 1 2 3
        // 4 5 6
        val upright = mapOf(
            1 to listOf(1, 2, 3, 4, 5, 6), 2 to listOf(3, 2, 1, 6, 5, 4), 3 to listOf(6, 5, 4, 3, 2, 1), 4 to listOf(4, 5, 6, 1, 2, 3),
            5 to listOf(1, 4, 2, 5, 3, 6), 6 to listOf(4, 1, 5, 2, 6, 3), 7 to listOf(6, 3, 5, 2, 4, 1), 8 to listOf(3, 6, 2, 5, 1, 4),
        )
        for ((orientation, wanted) in upright) {
            val turned = Turn.upright(picture(3, 2, 1, 1, 2, 3, 4, 5, 6), orientation)
            assertEquals("$orientation", wanted, turned.values.map { it.toInt() })
            assertEquals(if (orientation < 5) 3 else 2, turned.width)
        }
    }

    @Test
    fun `a single pixel becomes any size`() {
        val one = Resize.bilinear(picture(1, 1, 3, 9, 8, 7), 4, 5)
        assertEquals(setOf(9, 8, 7), one.values.map { it.toInt() }.toSet())
        assertEquals(4 * 5 * 3, one.values.size)
    }

    @Test
    fun `values are laid out by the letters of the input`() {
        val rules = rules(2, 2)
        val picture = picture(2, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
        val tensor = Preprocessor(NoDecoder).tensor(picture, rules, rgb)
        assertArrayEquals(doubleArrayOf(1.0, 4.0, 7.0, 10.0, 2.0, 5.0, 8.0, 11.0, 3.0, 6.0, 9.0, 12.0), tensor.toDoubles(), 0.0)
        val scaled = Preprocessor(NoDecoder).tensor(picture(1, 1, 3, 0, 255, 51), rules(2, 2, -1.0..1.0), rgb)
        assertEquals(setOf(-1.0f, 1.0f, -0.6f), scaled.toDoubles().map { it.toFloat() }.toSet())
    }

    @Test
    fun `rules that do not fit the input are refused`() {
        assertThrows(ImageException::class.java) {
            Preprocessor(NoDecoder).tensor(picture(1, 1, 3, 1, 2, 3), rules(3, 2), rgb)
        }
        assertThrows(ImageException::class.java) {
            Preprocessor(NoDecoder).tensor(picture(1, 1, 3, 1, 2, 3), rules(2, 2), rgb.copy(layout = ""))
        }
    }

    @Test
    fun `sides that are kept leave black beside them`() {
        val tensor =
            Preprocessor(NoDecoder).tensor(picture(2, 1, 3, 9, 9, 9, 9, 9, 9), rules(2, 2, keepAspect = true), rgb)
        assertArrayEquals(doubleArrayOf(9.0, 9.0, 0.0, 0.0), tensor.toDoubles().copyOf(4), 0.0)
    }

    @Test
    fun `huge pictures are decoded at a fraction of their size`() {
        val asked = mutableListOf<Int>()
        val decoder = object : ImageDecoder {
            override fun header(file: ByteBuffer) = ImageHeader(12_000, 9_000)
            override fun decode(file: ByteBuffer, subsample: Int): Pixels {
                asked += subsample
                return picture(1, 1, 1, 5)
            }
        }
        Preprocessor(decoder).decode(ByteBuffer.allocate(0))
        assertEquals(listOf(3), asked)
    }

    @Test
    fun `no orientation where there is none, or a damaged one`() {
        for (bytes in listOf(ByteArray(0), ByteArray(40), byteArrayOf(-1, -40, -1, -31, 0, 40, 69, 120, 105, 102, 0, 0, 73, 73, 42, 0, 127))) {
            assertEquals(1, Exif.orientation(ByteBuffer.wrap(bytes)))
        }
    }

    private object NoDecoder : ImageDecoder {
        override fun header(file: ByteBuffer) = throw ImageException("none")
        override fun decode(file: ByteBuffer, subsample: Int) = throw ImageException("none")
    }

    private fun rules(
        width: Int,
        height: Int,
        range: ClosedFloatingPointRange<Double> =
            0.0..255.0,
        keepAspect: Boolean = false
    ) = ImageRules(width, height, "rgb", "bilinear", keepAspect, range, "float32", "")

    private fun picture(width: Int, height: Int, channels: Int, vararg values: Int) =
        Pixels(width, height, channels, ByteArray(values.size) { values[it].toByte() })
}
