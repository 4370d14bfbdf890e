package dev.edgeexport.demo

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import dev.edgeexport.core.image.ImageDecoder
import dev.edgeexport.core.image.ImageException
import dev.edgeexport.core.image.ImageHeader
import dev.edgeexport.core.image.Pixels
import java.io.InputStream
import java.nio.ByteBuffer

/**
 * Decodes pictures with Android's own decoder, to the numbers that stand in the file.
 *
 * Three things would change them without a word: alpha multiplied into the colours (`inPremultiplied`), colours brought
 * to sRGB (`getPixels`), a density (`inScaled`).
 */
object BitmapDecoder : ImageDecoder {
    override fun header(file: ByteBuffer): ImageHeader {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeStream(Stream(file), null, options)
        if (options.outWidth <= 0) throw ImageException("this is no picture that Android can read; take a PNG or a JPEG")
        return ImageHeader(options.outWidth, options.outHeight)
    }

    override fun decode(file: ByteBuffer, subsample: Int): Pixels {
        val options = BitmapFactory.Options().apply {
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPremultiplied = false
            inScaled = false
            inSampleSize = subsample
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
        val rgba = ByteArray(bitmap.width * bitmap.height * 4)
        bitmap.copyPixelsToBuffer(ByteBuffer.wrap(rgba))
        if (bitmap.hasAlpha()) return Pixels(bitmap.width, bitmap.height, 4, rgba)
        val rgb = ByteArray(bitmap.width * bitmap.height * 3)
        for (pixel in 0 until bitmap.width * bitmap.height) rgba.copyInto(rgb, pixel * 3, pixel * 4, pixel * 4 + 3)
        return Pixels(bitmap.width, bitmap.height, 3, rgb)
    }

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
