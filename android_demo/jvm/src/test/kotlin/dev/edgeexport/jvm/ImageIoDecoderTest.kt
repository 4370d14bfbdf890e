package dev.edgeexport.jvm

import dev.edgeexport.core.image.ImageException
import dev.edgeexport.core.image.Preprocessor
import java.awt.image.BufferedImage
import java.awt.image.IndexColorModel
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import javax.imageio.ImageIO
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class ImageIoDecoderTest {
    private val decoder = ImageIoDecoder()

    @Test
    fun `samples are taken as they are stored`() {
        val grey = BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY).apply {
            raster.setDataElements(0, 0, 2, 1, byteArrayOf(7, -3))
        }
        assertEquals(listOf(7, 253), values(grey))
        val deep = BufferedImage(1, 1, BufferedImage.TYPE_USHORT_GRAY).apply {
            raster.setDataElements(0, 0, shortArrayOf(0x12ff.toShort()))
        }
        assertEquals(listOf(0x12), values(deep))
        val colour = BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB).apply { setRGB(0, 0, 0x40102030) }
        assertEquals(listOf(0x10, 0x20, 0x30, 0x40), values(colour))
        val palette = IndexColorModel(1, 2, byteArrayOf(1, 9), byteArrayOf(2, 8), byteArrayOf(3, 7))
        val indexed =
            BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY, palette).apply { raster.setSample(1, 0, 0, 1) }
        assertEquals(listOf(1, 2, 3, 9, 8, 7), values(indexed))
    }

    @Test
    fun `a picture of 12,000 x 9,000 fits`() {
        val huge = file(BufferedImage(12_000, 9_000, BufferedImage.TYPE_BYTE_BINARY))
        val picture = Preprocessor(decoder).decode(huge)
        assertEquals(4_000 to 3_000, picture.width to picture.height)
    }

    @Test
    fun `what is no picture is one sentence`() {
        val whole = file(BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB))
        val cut = ByteBuffer.allocate(40).apply { put(whole.duplicate().apply { limit(40) }); clear() }
        for (bytes in listOf(ByteBuffer.allocate(0), ByteBuffer.allocate(99), cut)) {
            val error = assertThrows(ImageException::class.java) { decoder.decode(bytes) }
            assertTrue(error.message!!, error.message!!.startsWith("the "))
        }
    }

    private fun values(image: BufferedImage) = decoder.decode(file(image)).values.map { it.toInt() and 0xff }

    private fun file(image: BufferedImage): ByteBuffer {
        val out = ByteArrayOutputStream()
        ImageIO.write(image, "png", out)
        return ByteBuffer.wrap(out.toByteArray())
    }
}
