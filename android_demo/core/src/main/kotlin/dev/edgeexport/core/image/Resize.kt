package dev.edgeexport.core.image

import kotlin.math.abs

/**
 * Bilinear resizing with the support widened when shrinking, as Pillow's `resize(..., BILINEAR)` computes it: weights
 * in
 * 22 bits of fraction, rows first, 8 bits between the two passes. Bit-equal to it.
 *
 * Source: Pillow, `src/libImaging/Resample.c`.
 */
object Resize {
    private const val FRACTION_BITS = 32 - 8 - 2
    private const val SUPPORT = 1.0

    fun bilinear(picture: Pixels, width: Int, height: Int): Pixels {
        val across = if (picture.width == width) picture else horizontally(picture, width)
        return if (across.height == height) across else vertically(across, height)
    }

    private fun horizontally(picture: Pixels, width: Int): Pixels {
        val weights = Weights.of(picture.width, width)
        val channels = picture.channels
        val values = ByteArray(width * picture.height * channels)
        for (y in 0 until picture.height) for (x in 0 until width) for (c in 0 until channels) {
            var sum = 1 shl FRACTION_BITS - 1
            val first = weights.first[x]
            val row = weights.of[x]
            for (i in row.indices) {
                sum += (picture.values[(y * picture.width + first + i) * channels + c].toInt() and 0xff) * row[i]
            }
            values[(y * width + x) * channels + c] = clip(sum)
        }
        return Pixels(width, picture.height, channels, values)
    }

    private fun vertically(picture: Pixels, height: Int): Pixels {
        val weights = Weights.of(picture.height, height)
        val stride = picture.width * picture.channels
        val values = ByteArray(stride * height)
        for (y in 0 until height) for (i in 0 until stride) {
            var sum = 1 shl FRACTION_BITS - 1
            val first = weights.first[y]
            val column = weights.of[y]
            for (k in column.indices) sum += (picture.values[(first + k) * stride + i].toInt() and 0xff) * column[k]
            values[y * stride + i] = clip(sum)
        }
        return Pixels(picture.width, height, picture.channels, values)
    }

    private fun clip(sum: Int): Byte = (sum shr FRACTION_BITS).coerceIn(0, 255).toByte()

    /** For each place of the result: the first place of the source that counts, and the weights from there on. */
    private class Weights(val first: IntArray, val of: Array<IntArray>) {
        companion object {
            fun of(from: Int, to: Int): Weights {
                val scale = from.toDouble() / to
                val wide = maxOf(scale, 1.0)
                val support = SUPPORT * wide
                val first = IntArray(to)
                val weights = Array(to) { place ->
                    val center = (place + 0.5) * scale
                    val low = maxOf((center - support + 0.5).toInt(), 0)
                    val high = minOf((center + support + 0.5).toInt(), from)
                    first[place] = low
                    val row = DoubleArray(high - low) { triangle((it + low - center + 0.5) * (1.0 / wide)) }
                    var total = 0.0
                    for (weight in row) total += weight
                    IntArray(row.size) {
                        (0.5 + row[it] / (if (total == 0.0) 1.0 else total) * (1 shl FRACTION_BITS)).toInt()
                    }
                }
                return Weights(first, weights)
            }

            private fun triangle(distance: Double) = maxOf(1.0 - abs(distance), 0.0)
        }
    }
}
