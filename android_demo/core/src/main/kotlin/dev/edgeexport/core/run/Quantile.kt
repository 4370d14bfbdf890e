package dev.edgeexport.core.run

/** Quantiles as numpy's default: linear between the two nearest values. */
object Quantile {
    fun of(values: DoubleArray, share: Double): Double {
        require(values.isNotEmpty()) { "no values" }
        val sorted = values.sortedArray()
        val place = share * (sorted.size - 1)
        val low = place.toInt()
        val high = minOf(low + 1, sorted.size - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - low)
    }

    fun median(values: DoubleArray) = of(values, 0.5)
}
