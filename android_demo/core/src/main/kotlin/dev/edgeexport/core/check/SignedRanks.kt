package dev.edgeexport.core.check

import kotlin.math.ceil
import kotlin.math.exp

/** A ratio with an interval that holds at every look together with all others. */
class Interval(val ratio: Double, val low: Double, val high: Double) {
    val excludesOne get() = low > 1 || high < 1

    /** Whether any difference is smaller than a share. */
    fun within(margin: Double) = 1 / (1 + margin) <= low && high <= 1 + margin
}

/**
 * The interval of a ratio of times, by Wilcoxon's signed ranks over one log-ratio a round.
 *
 * The same as `pipeline/checks/sequential.py`: exact, and every look has its own share of the whole error.
 */
object SignedRanks {
    const val MOST_ROUNDS = 400
    private const val GROWTH = 1.35

    /** After how many rounds the interval is looked at. */
    fun looks(first: Int): List<Int> =
        generateSequence(first) { ceil(GROWTH * it).toInt() }.takeWhile { it <= MOST_ROUNDS }.toList()

    fun interval(logRatios: DoubleArray, gate: LatencyGate): Interval {
        val count = logRatios.size
        val walsh = DoubleArray(count * (count + 1) / 2)
        var place = 0
        for (i in 0 until count) for (j in i until count) walsh[place++] = (logRatios[i] + logRatios[j]) / 2
        walsh.sort()
        val ratio = exp(median(walsh))
        val look = looks(gate.minRounds).count { it < count } + 1
        val outside = outside((1 - gate.confidence) / (look.toDouble() * (look + 1)) / 2, count)
        if (count < gate.minRounds || outside == 0) return Interval(ratio, 0.0, Double.POSITIVE_INFINITY)
        return Interval(ratio, exp(walsh[outside - 1]), exp(walsh[walsh.size - outside]))
    }

    /** How many Walsh averages lie outside on each side: sums of ranks that are no likelier than [error]. */
    private fun outside(error: Double, count: Int): Int {
        var chance = DoubleArray(count * (count + 1) / 2 + 1)
        chance[0] = 1.0
        for (rank in 1..count) {
            val next = DoubleArray(chance.size)
            for (sum in chance.indices) next[sum] = (chance[sum] + if (sum >= rank) chance[sum - rank] else 0.0) / 2
            chance = next
        }
        var total = 0.0
        for (sum in chance.indices) {
            total += chance[sum]
            if (total > error) return sum
        }
        return chance.size
    }

    private fun median(sorted: DoubleArray): Double {
        val middle = sorted.size / 2
        return if (sorted.size % 2 == 1) sorted[middle] else (sorted[middle - 1] + sorted[middle]) / 2
    }
}
