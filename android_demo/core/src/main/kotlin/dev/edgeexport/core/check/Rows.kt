package dev.edgeexport.core.check

import dev.edgeexport.core.tensor.Tensor

/** Samples as rows of numbers, (samples, width); what metrics are computed of. */
class Rows(val samples: Int, val width: Int, val values: DoubleArray) {
    init {
        require(values.size == samples * width) { "${values.size} values are no $samples rows of $width" }
    }

    operator fun get(sample: Int, column: Int) = values[sample * width + column]

    val range: Double get() = greatest - least
    val least: Double get() = values.minOrNull() ?: 0.0
    val greatest: Double get() = values.maxOrNull() ?: 0.0
    val magnitude: Double get() = values.maxOfOrNull { Math.abs(it) } ?: 0.0

    fun finite(sample: Int) = (0 until width).all { this[sample, it].isFinite() }

    /** The rows whose place is true in [keep]. */
    fun where(keep: BooleanArray): Rows {
        val kept = keep.indices.filter { keep[it] }
        val values = DoubleArray(kept.size * width)
        kept.forEachIndexed { row, sample ->
            this.values.copyInto(values, row * width, sample * width, (sample + 1) * width)
        }
        return Rows(kept.size, width, values)
    }

    companion object {
        /** A tensor (samples, ...) as rows. */
        fun of(tensor: Tensor): Rows {
            val samples = tensor.shape.firstOrNull() ?: 1
            return Rows(samples, if (samples == 0) 0 else tensor.size / samples, tensor.toDoubles())
        }
    }
}
