package dev.edgeexport.demo

import kotlin.math.abs
import kotlin.math.exp

/** A class and its share of 1. */
class Ranked(val index: Int, val share: Double)

/** The classes of a model by their scores. */
object Ranking {
    /**
     * The [count] best classes.
     *
     * Scores that are shares already are taken as they are; others are logits. One score for two [classes] is the
     * second's.
     */
    fun top(scores: DoubleArray, classes: Int, count: Int): List<Ranked> {
        val shares = if (scores.size == 1 && classes == 2) pair(scores[0]) else shares(scores)
        return shares.indices.sortedByDescending { shares[it] }.take(count).map { Ranked(it, shares[it]) }
    }

    private fun shares(scores: DoubleArray): DoubleArray {
        if (scores.all { it in 0.0..1.0 } && abs(scores.sum() - 1) < 0.02) return scores
        val greatest = scores.maxOrNull() ?: return scores
        val powers = DoubleArray(scores.size) { exp(scores[it] - greatest) }
        val sum = powers.sum()
        return DoubleArray(scores.size) { powers[it] / sum }
    }

    private fun pair(score: Double): DoubleArray {
        val second = if (score in 0.0..1.0) score else 1 / (1 + exp(-score))
        return doubleArrayOf(1 - second, second)
    }
}
