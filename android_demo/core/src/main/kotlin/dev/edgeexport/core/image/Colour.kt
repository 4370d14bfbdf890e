package dev.edgeexport.core.image

/** Colours as the Python side turns them: Pillow's integer arithmetic. */
object Colour {
    private const val EXTRA_BITS = 7

    /** Transparent pixels laid on black. */
    fun opaque(picture: Pixels): Pixels {
        if (picture.channels != 4) return picture
        val values = ByteArray(picture.width * picture.height * 3)
        for (i in 0 until picture.width * picture.height) {
            val coefficient = (picture.values[4 * i + 3].toInt() and 0xff) shl EXTRA_BITS
            for (c in 0 until 3) {
                val value = (picture.values[4 * i + c].toInt() and 0xff) * coefficient + (0x80 shl EXTRA_BITS)
                values[3 * i + c] = (((value ushr 8) + value ushr 8) ushr EXTRA_BITS).toByte()
            }
        }
        return Pixels(picture.width, picture.height, 3, values)
    }

    /** 0.299 R + 0.587 G + 0.114 B, in 16 bits of fraction, rounded. */
    fun grey(picture: Pixels): Pixels {
        if (picture.channels == 1) return picture
        val values = ByteArray(picture.width * picture.height) { i ->
            val red = picture.values[3 * i].toInt() and 0xff
            val green = picture.values[3 * i + 1].toInt() and 0xff
            val blue = picture.values[3 * i + 2].toInt() and 0xff
            (red * 19595 + green * 38470 + blue * 7471 + 0x8000 ushr 16).toByte()
        }
        return Pixels(picture.width, picture.height, 1, values)
    }

    fun rgb(picture: Pixels): Pixels {
        if (picture.channels == 3) return picture
        val values = ByteArray(picture.values.size * 3) { picture.values[it / 3] }
        return Pixels(picture.width, picture.height, 3, values)
    }
}
