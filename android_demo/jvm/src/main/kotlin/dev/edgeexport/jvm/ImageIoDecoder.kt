package dev.edgeexport.jvm

import dev.edgeexport.core.image.ImageDecoder
import dev.edgeexport.core.image.ImageException
import dev.edgeexport.core.image.ImageHeader
import dev.edgeexport.core.image.Pixels
import java.awt.image.BufferedImage
import java.awt.image.DataBuffer
import java.awt.image.IndexColorModel
import java.io.ByteArrayInputStream
import java.io.IOException
import java.nio.ByteBuffer
import javax.imageio.ImageIO
import javax.imageio.ImageReader

/**
 * Pictures by the JDK's own readers: PNG, JPEG, BMP and GIF. Samples are taken as they are stored, without profiles.
 */
class ImageIoDecoder : ImageDecoder {
    init {
        ImageIO.setUseCache(false)
    }

    override fun header(file: ByteBuffer): ImageHeader = reading(file) { ImageHeader(it.getWidth(0), it.getHeight(0)) }

    override fun decode(file: ByteBuffer, subsample: Int): Pixels = reading(file) { reader ->
        val how = reader.defaultReadParam
        how.setSourceSubsampling(subsample, subsample, 0, 0)
        pixels(reader.read(0, how))
    }

    private fun <T> reading(file: ByteBuffer, use: (ImageReader) -> T): T {
        val bytes = ByteArray(file.capacity())
        file.duplicate().apply { clear() }.get(bytes)
        if (bytes.isEmpty()) throw ImageException("the picture is empty; take it out of the bundle, or repair it")
        try {
            ImageIO.createImageInputStream(ByteArrayInputStream(bytes)).use { stream ->
                val reader = ImageIO.getImageReaders(stream).asSequence().firstOrNull()
                    ?: throw ImageException("the file is no picture that this app knows; give a PNG or JPEG")
                reader.input = stream
                return try {
                    use(reader)
                } finally {
                    reader.dispose()
                }
            }
        } catch (error: IOException) {
            throw ImageException("the picture is damaged (${error.message}); repair it, or take it out of the " +
                "bundle", error)
        } catch (error: IllegalArgumentException) {
            throw ImageException("the picture is damaged (${error.message}); repair it, or take it out of the " +
                "bundle", error)
        }
    }

    private fun pixels(image: BufferedImage): Pixels {
        val raster = image.raster
        val width = raster.width
        val height = raster.height
        val palette = image.colorModel as? IndexColorModel
        if (palette != null) return indexed(image, palette)
        val bands = raster.numBands
        val channels = if (bands == 2) 4 else bands
        val shift = if (raster.dataBuffer.dataType == DataBuffer.TYPE_USHORT) 8 else 0
        val values = ByteArray(width * height * channels)
        val row = IntArray(width * bands)
        for (y in 0 until height) {
            raster.getPixels(0, y, width, 1, row)
            for (x in 0 until width) for (c in 0 until channels) {
                val band = if (bands == 2) (if (c == 3) 1 else 0) else c
                values[(y * width + x) * channels + c] = (row[x * bands + band] shr shift).toByte()
            }
        }
        return Pixels(width, height, channels, values)
    }

    private fun indexed(image: BufferedImage, palette: IndexColorModel): Pixels {
        val channels = if (palette.hasAlpha()) 4 else 3
        val values = ByteArray(image.width * image.height * channels)
        val row = IntArray(image.width)
        for (y in 0 until image.height) {
            image.raster.getPixels(0, y, image.width, 1, row)
            for (x in 0 until image.width) {
                val colour = palette.getRGB(row[x])
                for (c in 0 until channels) {
                    val shift = if (c == 3) 24 else 16 - 8 * c
                    values[(y * image.width + x) * channels + c] = (colour shr shift).toByte()
                }
            }
        }
        return Pixels(image.width, image.height, channels, values)
    }
}
