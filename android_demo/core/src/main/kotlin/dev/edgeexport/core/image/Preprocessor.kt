package dev.edgeexport.core.image

import dev.edgeexport.core.bundle.ImageRules
import dev.edgeexport.core.tensor.Tensor
import dev.edgeexport.core.tensor.TensorSpec
import java.nio.ByteBuffer
import kotlin.math.roundToInt
import kotlin.math.sqrt

/**
 * From a picture to an input of the source model, by the manifest's rules and by nothing else; docs/bundle.md.
 *
 * Pictures of more than [mostPixels] are decoded at a fraction of their size, so that none fills the memory.
 */
class Preprocessor(private val decoder: ImageDecoder, private val mostPixels: Long = 24_000_000) {
    /**
     * The input of one call, in the layout and type of [spec], an input of the source model.
     *
     * @throws ImageException the bytes are no picture, or the rules do not fit the input
     */
    fun tensor(file: ByteBuffer, rules: ImageRules, spec: TensorSpec): Tensor = tensor(decode(file), rules, spec)

    /** The picture upright, opaque, at its own size or a whole fraction of it. */
    fun decode(file: ByteBuffer): Pixels {
        val header = decoder.header(file)
        val pixels = header.width.toLong() * header.height
        val subsample = if (pixels <= mostPixels) 1 else Math.ceil(sqrt(pixels.toDouble() / mostPixels)).toInt()
        return Colour.opaque(Turn.upright(decoder.decode(file, subsample), Exif.orientation(file)))
    }

    /** The same from pixels that are upright already: a drawing, a camera's frame. */
    fun tensor(picture: Pixels, rules: ImageRules, spec: TensorSpec): Tensor {
        val opaque = Colour.opaque(picture)
        val coloured = if (rules.colour == "grey") Colour.grey(opaque) else Colour.rgb(opaque)
        val sized =
            if (rules.keepAspect) fitted(coloured, rules) else Resize.bilinear(coloured, rules.width, rules.height)
        return laidOut(sized, rules, spec)
    }

    /** As large as fits, in the middle of a black picture of the wanted size. */
    private fun fitted(picture: Pixels, rules: ImageRules): Pixels {
        val scale = minOf(rules.width.toDouble() / picture.width, rules.height.toDouble() / picture.height)
        val width = (picture.width * scale).roundToInt().coerceIn(1, rules.width)
        val height = (picture.height * scale).roundToInt().coerceIn(1, rules.height)
        val inner = Resize.bilinear(picture, width, height)
        val values = ByteArray(rules.width * rules.height * inner.channels)
        val left = (rules.width - width) / 2
        val top = (rules.height - height) / 2
        for (y in 0 until height) {
            val from = y * width * inner.channels
            val to = ((top + y) * rules.width + left) * inner.channels
            inner.values.copyInto(values, to, from, from + width * inner.channels)
        }
        return Pixels(rules.width, rules.height, inner.channels, values)
    }

    private fun laidOut(picture: Pixels, rules: ImageRules, spec: TensorSpec): Tensor {
        val sizes = mapOf('N' to 1, 'H' to picture.height, 'W' to picture.width, 'C' to picture.channels)
        val shape = IntArray(spec.layout.length) { sizes[spec.layout[it]] ?: 0 }
        if (spec.layout.isEmpty() || !spec.fits(shape)) {
            throw ImageException("input $spec does not take a picture of ${picture.width} x ${picture.height} with " +
                "${picture.channels} channels")
        }
        val strides = HashMap<Char, Int>()
        var step = 1
        for (axis in shape.indices.reversed()) {
            strides[spec.layout[axis]] = step
            step *= shape[axis]
        }
        val tensor = Tensor.zeros(spec.dtype, shape)
        val low = rules.valueRange.start
        val span = (rules.valueRange.endInclusive - low) / 255
        for (y in 0 until picture.height) for (x in 0 until picture.width) for (c in 0 until picture.channels) {
            val value = low + span * (picture.values[(y * picture.width + x) * picture.channels + c].toInt() and 0xff)
            val place = y * strides.getValue('H') + x * strides.getValue('W') + c * (strides['C'] ?: 0)
            if (spec.dtype.isFloat) tensor.put(place, value)
            else tensor.put(place, Math.round(value).coerceIn(spec.dtype.least, spec.dtype.greatest))
        }
        return tensor
    }
}
