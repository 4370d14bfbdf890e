package dev.edgeexport.demo

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.check.Latency
import dev.edgeexport.core.run.Benchmark
import dev.edgeexport.core.run.BenchmarkPlan
import dev.edgeexport.core.run.BenchmarkResult
import dev.edgeexport.core.run.Memory
import dev.edgeexport.core.run.Progress
import dev.edgeexport.core.run.Race
import dev.edgeexport.core.run.RacePlan
import dev.edgeexport.core.run.Row

/** How much is measured: calls of each artifact, or seconds of each. */
enum class Span(val calls: Int, val seconds: Int) {
    CALLS_200(200, 0),
    CALLS_2000(2000, 0),
    SECONDS_10(0, 10),
    MINUTE_1(0, 60),
    MINUTES_5(0, 300);

    /** How long two artifacts are raced at most. */
    val raceSeconds get() = if (calls > 0) 5.0 else seconds.toDouble().coerceIn(10.0, 60.0)
}

/** What was measured: each artifact alone, and two against each other. */
class Measured(val lanes: List<BenchmarkResult>, val race: Latency?)

/** What a measurement tells while it goes on, from its own thread. */
interface MeasurementWatch {
    /** [share], 0..1, of a step is done: a lane alone, or the race, which comes last. */
    fun progress(step: Int, share: Double)

    /** A call of a lane took [ms] and began [second] seconds after the first. */
    fun call(lane: Int, second: Double, ms: Double)

    fun cancelled(): Boolean
}

/** One artifact timed alone; of two each alone and then both in interleaved rounds. The core does both. */
class Measurement(
    private val bundle: Bundle,
    private val memory: Memory,
    private val threads: Int,
    private val span: Span
) {
    /** Null where it was cancelled before there was anything to tell. */
    fun run(rows: List<Row>, watch: MeasurementWatch): Measured? {
        val lanes = rows.mapIndexed { lane, row -> alone(lane, row, watch) ?: return null }
        if (lanes.size < 2 || watch.cancelled()) return Measured(lanes, null)
        val plan = RacePlan(threads, seconds = span.raceSeconds)
        val start = System.nanoTime()
        val race = Race(bundle, rows[0], rows[1], memory).run(plan, object : Progress {
            override fun step(done: Int, total: Int, now: String) =
                watch.progress(rows.size, (System.nanoTime() - start) * 1e-9 / plan.seconds)

            override fun cancelled() = watch.cancelled()
        })
        return Measured(lanes, race)
    }

    private fun alone(lane: Int, row: Row, watch: MeasurementWatch): BenchmarkResult? {
        var count = 0
        val plan = BenchmarkPlan(threads = threads, calls = span.calls, seconds = span.seconds.toDouble())
        val progress = object : Progress {
            override fun cancelled() = watch.cancelled()
        }
        return Benchmark(bundle, memory).run(row, plan, progress) { call ->
            count++
            watch.call(lane, call.atS, call.ms)
            watch.progress(lane, if (span.calls > 0) count.toDouble() / span.calls else call.atS / span.seconds)
        }
    }
}
