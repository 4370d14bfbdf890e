package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.tensor.Tensor

/** How a benchmark runs: until [calls] are timed, or, where that is 0, until [seconds] have passed. */
class BenchmarkPlan(val warmUp: Int = 10, val threads: Int = 1, val calls: Int = 0, val seconds: Double = 5.0)

/** When a call began, in seconds since the first that counted, and what it took. */
class TimedCall(val atS: Double, val ms: Double)

/**
 * What a benchmark found. [firstMs] is the first call of the session, which pays for what later ones find ready.
 *
 * [calls] are all [count] that were timed, or, of hundreds of thousands, every second, fourth, ... of them.
 */
class BenchmarkResult(
    val loadMs: Double,
    val firstMs: Double,
    val count: Int,
    val calls: List<TimedCall>,
    val cancelled: Boolean
) {
    private val ms = DoubleArray(calls.size) { calls[it].ms }
    val p50 get() = Quantile.of(ms, 0.5)
    val p90 get() = Quantile.of(ms, 0.9)
    val p99 get() = Quantile.of(ms, 0.99)

    /** The median of each of [pieces] equal spans of time; null where no call began: a sustained run as a line. */
    fun overTime(pieces: Int): List<Double?> {
        val end = calls.last().atS + 1e-9
        return (0 until pieces).map { piece ->
            val inside = calls.filter { (it.atS / end * pieces).toInt() == piece }
            if (inside.isEmpty()) null else Quantile.median(DoubleArray(inside.size) { inside[it].ms })
        }
    }
}

/** Times one artifact: opening, the first call, warm-up, then calls one by one; outputs are read each time. */
class Benchmark(
    private val bundle: Bundle,
    private val memory: Memory,
    private val clock: () -> Long = System::nanoTime
) {
    /**
     * @param told each timed call, as it ends; for a line that grows
     * @return null where it was cancelled before a call was timed
     * @throws dev.edgeexport.core.bundle.BundleException too little memory is free
     * @throws dev.edgeexport.core.engine.EngineException as the engine's `open` and `run`
     */
    fun run(
        row: Row,
        plan: BenchmarkPlan,
        progress: Progress = object : Progress {},
        told: (TimedCall) -> Unit = {}
    ): BenchmarkResult? {
        val samples = Samples.of(bundle, row)
        row.open(bundle, memory, plan.threads).use { session ->
            val first = timed(session, samples.first())
            for (i in 0 until plan.warmUp) {
                if (progress.cancelled()) return null
                session.run(samples[i % samples.size])
            }
            var calls = mutableListOf<TimedCall>()
            var count = 0
            var every = 1
            val start = clock()
            var cancelled = false
            while (!done(plan, count, start)) {
                if (progress.cancelled()) {
                    cancelled = true
                    break
                }
                val at = (clock() - start) * 1e-9
                val call = TimedCall(at, timed(session, samples[count % samples.size]))
                told(call)
                if (count++ % every != 0) continue
                calls += call
                if (calls.size < MOST_KEPT) continue // minutes of a fast model would fill the memory
                calls = calls.filterIndexedTo(mutableListOf()) { index, _ -> index % 2 == 0 }
                every *= 2
            }
            return if (calls.isEmpty()) null else BenchmarkResult(session.loadMs, first, count, calls, cancelled)
        }
    }

    private fun done(plan: BenchmarkPlan, calls: Int, start: Long) =
        if (plan.calls > 0) calls >= plan.calls else calls > 0 && (clock() - start) * 1e-9 >= plan.seconds

    private fun timed(session: Session, sample: Map<String, Tensor>): Double {
        val start = clock()
        session.run(sample)
        return (clock() - start) * 1e-6
    }

    private companion object {
        const val MOST_KEPT = 1 shl 18
    }
}
