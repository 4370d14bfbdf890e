package dev.edgeexport.demo

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.os.Build
import dev.edgeexport.core.image.ImageDecoder
import dev.edgeexport.core.image.ImageException
import dev.edgeexport.core.image.ImageHeader
import dev.edgeexport.core.image.Pixels
import java.io.InputStream
import java.nio.ByteBuffer

/**
 * Decodes pictures with Android's own decoder, to the numbers that stand in the file.
 *
 * Three things would change them without a word: alpha multiplied into the colours (`inPremultiplied`), a density
 * (`inScaled`), and colours brought to sRGB (`getPixels`): so the bitmap is called sRGB, which changes no value of it.
 */
object BitmapDecoder : ImageDecoder {
    override fun header(file: ByteBuffer): ImageHeader {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeStream(Stream(file), null, options)
        if (options.outWidth <= 0) {
            throw ImageException("this is no picture that Android can read; take a PNG or a JPEG")
        }
        return ImageHeader(options.outWidth, options.outHeight)
    }

    override fun decode(file: ByteBuffer, subsample: Int): Pixels {
        val options = BitmapFactory.Options().apply {
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPremultiplied = false
            inScaled = false
            inSampleSize = powerOfTwo(subsample)
        }
        val bitmap = BitmapFactory.decodeStream(Stream(file), null, options)
            ?: throw ImageException("this is no picture that Android can read, or a damaged one; take a PNG or a JPEG")
        try {
            return pixels(bitmap)
        } finally {
            bitmap.recycle()
        }
    }

    private fun pixels(bitmap: Bitmap): Pixels {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) bitmap.setColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
        val width = bitmap.width
        val channels = if (bitmap.hasAlpha()) 4 else 3
        val values = ByteArray(width * bitmap.height * channels)
        val row = IntArray(width) // a large picture as a whole would take as much again
        for (y in 0 until bitmap.height) {
            bitmap.getPixels(row, 0, width, 0, y, width, 1)
            for (x in 0 until width) for (channel in 0 until channels) {
                values[(y * width + x) * channels + channel] = (row[x] shr SHIFTS[channel]).toByte()
            }
        }
        return Pixels(width, bitmap.height, channels, values)
    }

    /** Android rounds down to a power of two, which would leave a picture larger than it was asked for. */
    private fun powerOfTwo(subsample: Int) = if (subsample <= 1) 1 else Integer.highestOneBit(subsample - 1) shl 1

    /** Where red, green, blue and alpha stand in a colour. */
    private val SHIFTS = intArrayOf(16, 8, 0, 24)

    /** A buffer's bytes as a stream, from its first to its last. */
    private class Stream(file: ByteBuffer) : InputStream() {
        private val left = file.duplicate().apply { rewind() }

        override fun read() = if (left.hasRemaining()) left.get().toInt() and 0xff else -1

        override fun read(to: ByteArray, offset: Int, length: Int): Int {
            if (!left.hasRemaining()) return -1
            val count = minOf(length, left.remaining())
            left.get(to, offset, count)
            return count
        }
    }
}
