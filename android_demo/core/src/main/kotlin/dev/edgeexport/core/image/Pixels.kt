package dev.edgeexport.core.image

import java.nio.ByteBuffer

/**
 * A decoded picture, 8 bits a channel, not yet turned: (height, width, channels) in C order.
 *
 * [channels] is 1 (grey), 3 (rgb) or 4 (rgb and straight, not premultiplied, alpha).
 */
class Pixels(val width: Int, val height: Int, val channels: Int, val values: ByteArray) {
    init {
        require(values.size == width * height * channels) {
            "${values.size} values are no $width x $height x $channels"
        }
    }
}

/** What an image's header says, before its pixels are read. */
class ImageHeader(val width: Int, val height: Int)

/** What decodes picture files: ImageIO on the JVM, BitmapFactory on Android. It never turns a picture by its EXIF. */
interface ImageDecoder {
    /** @throws ImageException the bytes are no picture that this decoder knows */
    fun header(file: ByteBuffer): ImageHeader

    /**
     * The pixels. 16 bits a channel keep their upper 8.
     *
     * @param subsample every nth pixel of every nth row: 1 is all; keeps huge pictures out of memory
     * @throws ImageException the bytes are no picture, or a damaged one
     */
    fun decode(file: ByteBuffer, subsample: Int = 1): Pixels
}

/** Why a picture is not used, in a sentence. */
class ImageException(message: String, cause: Throwable? = null) : Exception(message, cause)
