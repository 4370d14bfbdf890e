package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.check.Latency
import dev.edgeexport.core.check.PairTimings
import dev.edgeexport.core.check.SignedRanks
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.tensor.Tensor
import java.util.Random

/**
 * How a race is run: blocks of as many [calls] of each side in turn, [pairs] of them a round, until [seconds] are over.
 */
class RacePlan(
    val threads: Int = 1,
    val warmUp: Int = 5,
    val calls: Int = 4,
    val pairs: Int = 6,
    val seconds: Double = 20.0
)

/**
 * Two artifacts timed against each other as the pipeline does: rounds of interleaved blocks, every side opened anew and
 * warmed in random order, a control of the second against itself; over as soon as the interval decides.
 */
class Race(
    private val bundle: Bundle,
    private val a: Row,
    private val b: Row,
    private val memory: Memory,
    seed: Long = 0
) {
    private val random = Random(seed)
    private val gate = bundle.gates.latency

    /** The comparison; null where it was cancelled. */
    fun run(plan: RacePlan, progress: Progress = object : Progress {}): Latency? {
        val sides = listOf(a, b, b).map { it to Samples.of(bundle, it) }
        val seconds = List(sides.size) { mutableListOf<DoubleArray>() }
        val calls = List(sides.size) { mutableListOf<Double>() }
        val start = System.nanoTime()
        for (look in SignedRanks.looks(gate.minRounds)) {
            while (seconds[0].size < look) {
                if ((System.nanoTime() - start) * 1e-9 >= plan.seconds && seconds[0].size >= gate.minRounds) break
                progress.step(seconds[0].size, SignedRanks.MOST_ROUNDS, "round ${seconds[0].size + 1}")
                val round = round(sides, plan, calls, progress) ?: return null
                round.forEachIndexed { side, times -> seconds[side] += times }
            }
            val found = SignedRanks.interval(Latency.logRatios(seconds[0], seconds[1]), gate)
            if (seconds[0].size < look || Latency.decides(found, gate)) break
        }
        val elapsed = (System.nanoTime() - start) * 1e-9
        val timings =
            PairTimings(seconds[0], seconds[1], seconds[2], calls[0].toDoubleArray(), calls[1].toDoubleArray(), elapsed)
        return Latency.compare(timings, gate)
    }

    /** Seconds a call by side and pair. */
    private fun round(
        sides: List<Pair<Row, List<Map<String, Tensor>>>>,
        plan: RacePlan,
        calls: List<MutableList<Double>>,
        progress: Progress,
    ): List<DoubleArray>? {
        val sessions = arrayOfNulls<Session>(sides.size)
        try {
            for (side in shuffled(sides.size)) {
                val (row, samples) = sides[side]
                val session = row.open(bundle, memory, plan.threads)
                sessions[side] = session
                repeat(plan.warmUp) { session.run(samples[it % samples.size]) }
            }
            val seconds = List(sides.size) { DoubleArray(plan.pairs) }
            var order = shuffled(sides.size)
            for (pair in 0 until plan.pairs) {
                if (progress.cancelled()) return null
                for (side in order) {
                    seconds[side][pair] = block(sessions[side]!!, sides[side].second, plan.calls, calls[side])
                }
                order = if (pair % 2 == 0) order.reversed() else shuffled(sides.size)
            }
            return seconds
        } finally {
            sessions.forEach { it?.close() }
        }
    }

    private fun block(
        session: Session,
        samples: List<Map<String, Tensor>>,
        calls: Int,
        single: MutableList<Double>
    ): Double {
        val start = System.nanoTime()
        var last = start
        repeat(calls) {
            session.run(samples[it % samples.size])
            val now = System.nanoTime()
            single += (now - last) * 1e-9
            last = now
        }
        return (last - start) * 1e-9 / calls
    }

    private fun shuffled(count: Int): List<Int> = (0 until count).shuffled(random)
}
