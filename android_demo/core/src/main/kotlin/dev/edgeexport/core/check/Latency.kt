package dev.edgeexport.core.check

import dev.edgeexport.core.run.Quantile
import java.util.Random
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln

/** Seconds a call of a, b and the control (b in another session), one row a round and one value a pair of blocks. */
class PairTimings(
    val a: List<DoubleArray>,
    val b: List<DoubleArray>,
    val control: List<DoubleArray>,
    val callsA: DoubleArray,
    val callsB: DoubleArray,
    val elapsedS: Double,
)

/** Which of two artifacts is faster; the rules of `pipeline/checks/latency.py`. */
class Latency private constructor(
    val found: Interval,
    val control: Interval,
    val decision: String,
    val controlDecision: String,
    private val timings: PairTimings,
    private val gate: LatencyGate,
) {
    val rounds get() = timings.a.size

    /** The verdict in a sentence, and what to do where there is none. */
    val says: String
        get() {
            val difference = "${"%.1f".format(java.util.Locale.ROOT, abs(100 * (found.ratio - 1)))} %"
            val margin = "${general(100 * gate.equalWithin)} %"
            if (decision == EQUAL) return "equal within $margin"
            val small = if (found.within(gate.equalWithin)) ", which is less than $margin" else ""
            if (decision != CANNOT_TELL) return "$decision by $difference$small"
            val said = when {
                controlDecision == FASTER || controlDecision == SLOWER ->
                    "cannot tell: the baseline was called $controlDecision than itself in the same rounds"
                rounds >= gate.minRounds ->
                    "cannot tell: ${fixed(timings.elapsedS, 0)} s leave the ratio between ${fixed(found.low, 3)} and " +
                        "${fixed(found.high, 3)}"
                else -> "cannot tell: $rounds rounds of ${gate.minRounds}"
            }
            return "$said; measure for longer"
        }

    /** What a report tells of it. */
    fun metrics(): Map<String, Any?> {
        val measured = rounds >= gate.minRounds
        val (low, high) = bootstrap(timings)
        return linkedMapOf(
            "latency_ms_p50" to 1e3 * Quantile.median(flat(timings.a)),
            "latency_ms_p90" to 1e3 * Quantile.of(timings.callsA, 0.9),
            "baseline_ms_p50" to 1e3 * Quantile.median(flat(timings.b)),
            "baseline_ms_p90" to 1e3 * Quantile.of(timings.callsB, 0.9),
            "ratio" to found.ratio,
            "ratio_low" to if (measured) found.low else null,
            "ratio_high" to if (measured) found.high else null,
            "decision" to decision,
            "says" to says,
            "bootstrap_low" to low,
            "bootstrap_high" to high,
            "control" to controlDecision,
            "control_ratio" to control.ratio,
            "control_low" to if (measured) control.low else null,
            "control_high" to if (measured) control.high else null,
            "confidence" to gate.confidence,
            "rounds" to rounds,
            "pairs" to flat(timings.a).size,
            "measured_s" to timings.elapsedS,
        )
    }

    companion object {
        const val FASTER = "faster"
        const val SLOWER = "slower"
        const val EQUAL = "equal"
        const val CANNOT_TELL = "cannot tell"
        private const val RESAMPLES = 300
        private const val OUTSIDE = 0.05

        fun compare(timings: PairTimings, gate: LatencyGate): Latency {
            val found = SignedRanks.interval(logRatios(timings.a, timings.b), gate)
            val control = SignedRanks.interval(logRatios(timings.control, timings.b), gate)
            val told = decision(control, gate)
            val decision = if (told == FASTER || told == SLOWER) CANNOT_TELL else decision(found, gate)
            return Latency(found, control, decision, told, timings, gate)
        }

        /** One log-ratio a round: the median over its pairs, which is deaf to spikes. */
        fun logRatios(one: List<DoubleArray>, other: List<DoubleArray>) = DoubleArray(one.size) { round ->
            Quantile.median(DoubleArray(one[round].size) { ln(one[round][it] / other[round][it]) })
        }

        /**
         * The interval of the ratio by resampling rounds, and pairs within each; told beside the one that decides,
         * which
         * is wider: this one looks once, and trusts the rounds at hand.
         */
        fun bootstrap(timings: PairTimings, seed: Long = 0): Pair<Double, Double> {
            val random = Random(seed)
            val logs = timings.a.indices.map { round ->
                DoubleArray(timings.a[round].size) { ln(timings.a[round][it] / timings.b[round][it]) }
            }
            val found = DoubleArray(RESAMPLES) {
                Quantile.median(DoubleArray(logs.size) {
                    val row = logs[random.nextInt(logs.size)]
                    Quantile.median(DoubleArray(row.size) { row[random.nextInt(row.size)] })
                })
            }
            return exp(Quantile.of(found, OUTSIDE / 2)) to exp(Quantile.of(found, 1 - OUTSIDE / 2))
        }

        /** Whether more rounds would change nothing. */
        fun decides(found: Interval, gate: LatencyGate) = found.excludesOne || found.within(gate.equalWithin)

        private fun decision(found: Interval, gate: LatencyGate) = when {
            found.excludesOne -> if (found.high < 1) FASTER else SLOWER
            found.within(gate.equalWithin) -> EQUAL
            else -> CANNOT_TELL
        }

        private fun flat(rows: List<DoubleArray>) = rows.flatMap { it.toList() }.toDoubleArray()

        private fun fixed(value: Double, digits: Int) = "%.${digits}f".format(java.util.Locale.ROOT, value)
    }
}
