package dev.edgeexport.core.check

import java.math.BigDecimal
import java.math.RoundingMode
import kotlin.math.abs
import kotlin.math.log10
import kotlin.math.max
import kotlin.math.min

/**
 * What a failed comparison looks like: a hint, never a verdict. The rules of `pipeline/checks/causes.py`.
 *
 * [shape] is that of one sample; both sides hold as many.
 */
internal class Causes(private val shape: List<Int>, private val want: Rows, private val have: Rows) {
    private val count = want.samples
    private val width = want.width
    private val last = shape.lastOrNull() ?: 1

    /** What the output would be if a cause were all that is wrong: its value at a flat index. */
    private class Explanation(val cause: String, val value: (Int) -> Double)

    /** The first cause that explains one side from the other; none or one sentence. */
    fun likely(tolerance: Double): List<String> {
        val limit = min(max(tolerance, EXPLAINS), gap { want.values[it] } / BETTER)
        explanations().firstOrNull { gap(it.value) <= limit }?.let { return listOf("likely cause: ${it.cause}") }
        if (moved(have) < STILL * moved(want)) {
            val words = "the output hardly follows its input: is the input scaled twice, or not fed at all?"
            return listOf("likely cause: $words")
        }
        return rounding()
    }

    /** Most specific first. */
    private fun explanations(): Sequence<Explanation> = sequence {
        if (count > 2) {
            for (shift in listOf(1, -1)) yield(neighbour(shift))
        }
        if (last > 2) {
            for (shift in listOf(1, -1)) {
                yield(Explanation("classes are shifted by ${if (shift > 0) "+1" else "-1"} along the last axis") { i ->
                    want.values[i - i % last + Math.floorMod(i % last - shift, last)]
                })
            }
            yield(Explanation("the last axis is reversed (RGB and BGR?)") { i ->
                want.values[i - i % last + last - 1 - i % last]
            })
        }
        yieldAll(layouts())
        if (last in 3..MOST_CLASSES && want.values.size <= MOST_VALUES && width == last) {
            val order = nearestColumns()
            yield(Explanation("classes are in another order") { i -> want.values[i - i % last + order[i % last]] })
        }
        val bias =
            DoubleArray(width) { column -> (0 until count).sumOf { have[it, column] - want[it, column] } / count }
        yield(Explanation("the output is off by the same amount in every sample: a bias is lost or differs") { i ->
            want.values[i] + bias[i % width]
        })
        val power = want.values.sumOf { it * it }
        val scale = want.values.indices.sumOf { want.values[it] * have.values[it] } / max(power, 1e-300)
        val words =
            "the output is scaled by ${general(scale, 4)}: a scale or the preprocessing is lost or applied twice"
        yield(Explanation(words) { i -> want.values[i] * scale })
    }

    private fun neighbour(shift: Int): Explanation {
        val edge = if (shift == 1) 0 else count - 1
        return Explanation("each sample gives its neighbour's output: the result is read before the work is done") {
                i
            ->
            if (i / width == edge) have.values[i] else want.values[i - shift * width]
        }
    }

    /** Axes exchanged inside a sample: truly, or only in memory with the shape kept. */
    private fun layouts(): Sequence<Explanation> = sequence {
        val axes = shape.indices.filter { shape[it] > 1 }
        if (axes.size !in 2..4) return@sequence
        for (order in permutations(axes)) {
            if (order == axes) continue
            val full = shape.indices.toMutableList()
            axes.forEachIndexed { place, axis -> full[axis] = order[place] }
            val turned = full.map { shape[it] }
            val how = if (turned == shape) "transposed" else "transposed in memory, with the shape kept"
            val names = order.joinToString { "${it + 1}" } // samples are axis 0
            val from = places(full, turned)
            yield(Explanation("the output is $how (axes $names): a layout is not adapted") { i ->
                want.values[i - i % width + from[i % width]]
            })
        }
    }

    /** For each place of a turned sample, the place in the sample as it was. */
    private fun places(full: List<Int>, turned: List<Int>): IntArray {
        val strides = IntArray(shape.size)
        shape.indices.reversed().fold(1) { step, axis -> (step * shape[axis]).also { strides[axis] = step } }
        return IntArray(width) { place ->
            var rest = place
            turned.indices.reversed().sumOf { axis ->
                val index = rest % turned[axis]
                rest /= turned[axis]
                index * strides[full[axis]]
            }
        }
    }

    /** For each column of one side, the column of the other nearest to it. */
    private fun nearestColumns(): IntArray {
        val first = min(count, max(8, min(count, 64)))
        return IntArray(last) { column ->
            (0 until last).minByOrNull { other -> (0 until first).sumOf { abs(want[it, other] - have[it, column]) } }!!
        }
    }

    /** Whether the error has the size of a narrower number type. */
    private fun rounding(): List<String> {
        val noise = want.values.indices.sumOf { (have.values[it] - want.values[it]).let { error -> error * error } }
        if (noise == 0.0) return emptyList()
        val snr = 10 * log10(want.values.sumOf { it * it } / noise)
        val size = when {
            snr >= 50 && snr < 95 -> "16-bit weights or arithmetic"
            snr >= 15 && snr < 50 -> "8-bit weights or activations"
            else -> return emptyList()
        }
        val told = BigDecimal(snr).setScale(0, RoundingMode.HALF_EVEN)
        return listOf("likely cause: an error of $told dB has the size of $size")
    }

    /** The largest difference from [value], as a share of the range of what [value] gives. */
    private fun gap(value: (Int) -> Double): Double {
        var worst = 0.0
        var least = Double.POSITIVE_INFINITY
        var greatest = Double.NEGATIVE_INFINITY
        for (i in have.values.indices) {
            val explained = value(i)
            worst = max(worst, abs(have.values[i] - explained))
            least = min(least, explained)
            greatest = max(greatest, explained)
        }
        val found = worst / (greatest - least).let { if (it == 0.0) 1.0 else it }
        return if (found.isFinite()) found else Double.POSITIVE_INFINITY
    }

    /** How far samples are from their mean, on average. */
    private fun moved(rows: Rows): Double {
        val mean = DoubleArray(width) { column -> (0 until count).sumOf { rows[it, column] } / count }
        return rows.values.indices.sumOf { abs(rows.values[it] - mean[it % width]) } / rows.values.size
    }

    private fun permutations(items: List<Int>): List<List<Int>> =
        if (items.size < 2) listOf(items) else items.flatMap { one ->
            permutations(items - one).map { listOf(one) + it }
        }

    private companion object {
        const val EXPLAINS = 0.02
        const val BETTER = 10.0
        const val STILL = 0.05
        const val MOST_CLASSES = 4096
        const val MOST_VALUES = 1 shl 20
    }
}
