package dev.edgeexport.core.check

import kotlin.math.abs
import kotlin.math.log10
import kotlin.math.max
import kotlin.math.sqrt

/**
 * How far outputs are from their reference; each as `pipeline/checks/metrics` computes it, in float64.
 *
 * The reference comes first, always. Both sides have equal shapes, finite values and at least one sample.
 */
object Metrics {
    /** Reported for equal tensors: JSON has no infinity. */
    const val SNR_CAP_DB = 200.0

    /** Worst |got - reference| of each sample. */
    fun maxAbs(reference: Rows, got: Rows) = DoubleArray(reference.samples) { sample ->
        var worst = 0.0
        for (i in sample * reference.width until (sample + 1) * reference.width) {
            worst = max(worst, abs(got.values[i] - reference.values[i]))
        }
        worst
    }

    /** The same as a share of the range of the whole reference; of its magnitude where that is one constant. */
    fun maxRelRange(reference: Rows, got: Rows): DoubleArray {
        val spread = listOf(reference.range, reference.magnitude, 1.0).first { it != 0.0 }
        return maxAbs(reference, got).also { for (i in it.indices) it[i] = it[i] / spread }
    }

    /** 10 log10(sum reference^2 / sum (got - reference)^2) over all samples taken as one vector. */
    fun snrDb(reference: Rows, got: Rows): Double = decibel(power(reference.values), noise(reference, got))

    /** The same of each sample. */
    fun snrDbBySample(reference: Rows, got: Rows) = DoubleArray(reference.samples) { sample ->
        val from = sample * reference.width
        val to = from + reference.width
        decibel(power(reference.values, from, to), noise(reference, got, from, to))
    }

    /** Signal to noise of what moves between samples: an output that always says the average scores 0 dB. */
    fun movingSnrDb(reference: Rows, got: Rows): Double {
        val mean = DoubleArray(reference.width)
        for (sample in 0 until reference.samples) for (i in mean.indices) mean[i] += reference[sample, i]
        for (i in mean.indices) mean[i] /= reference.samples.toDouble()
        var moving = 0.0
        for (sample in 0 until reference.samples) for (i in mean.indices) {
            val step = reference[sample, i] - mean[i]
            moving += step * step
        }
        return decibel(moving, noise(reference, got))
    }

    /** Cosine of each sample; 1 where both are zero, 0 where one is. */
    fun cosine(reference: Rows, got: Rows) = DoubleArray(reference.samples) { sample ->
        var dot = 0.0
        var one = 0.0
        var other = 0.0
        for (i in sample * reference.width until (sample + 1) * reference.width) {
            dot += reference.values[i] * got.values[i]
            one += reference.values[i] * reference.values[i]
            other += got.values[i] * got.values[i]
        }
        val norms = sqrt(one) * sqrt(other)
        when {
            one == 0.0 && other == 0.0 -> 1.0
            norms == 0.0 -> dot.coerceIn(-1.0, 1.0)
            else -> (dot / norms).coerceIn(-1.0, 1.0)
        }
    }

    /** 1.0 for each sample whose predicted class scores, in the reference, within [tie] of the reference's best. */
    fun top1Agreement(reference: Rows, got: Rows, tie: Double) = DoubleArray(reference.samples) { sample ->
        var chosen = 0
        var best = reference[sample, 0]
        for (i in 1 until reference.width) {
            if (got[sample, i] > got[sample, chosen]) chosen = i
            best = max(best, reference[sample, i])
        }
        if (reference[sample, chosen] >= best - tie) 1.0 else 0.0
    }

    /** The share of equal elements of each sample, for integers. */
    fun agreement(reference: Rows, got: Rows) = DoubleArray(reference.samples) { sample ->
        val from = sample * reference.width
        (from until from + reference.width).count {
            reference.values[it] == got.values[it]
        } / reference.width.toDouble()
    }

    fun decibel(signal: Double, noise: Double): Double {
        if (noise == 0.0) return SNR_CAP_DB
        val tiny = java.lang.Double.MIN_NORMAL
        val ratio = 10.0 * (log10(max(signal, tiny)) - log10(max(noise, tiny)))
        return ratio.coerceIn(-SNR_CAP_DB, SNR_CAP_DB)
    }

    private fun power(values: DoubleArray, from: Int = 0, to: Int = values.size): Double {
        var sum = 0.0
        for (i in from until to) sum += values[i] * values[i]
        return sum
    }

    private fun noise(reference: Rows, got: Rows, from: Int = 0, to: Int = reference.values.size): Double {
        var sum = 0.0
        for (i in from until to) {
            val step = got.values[i] - reference.values[i]
            sum += step * step
        }
        return sum
    }
}
