package dev.edgeexport.demo

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.check.Outcome
import dev.edgeexport.core.run.CellResult
import dev.edgeexport.core.run.Progress

/** Runs the golden pack through every artifact, engine and device, and gives the report as JSON. The core does it. */
typealias SelfCheckRun = (Bundle, Progress) -> String

/** The self-check: its rows as they come, and the report when it is over. Verdicts are the core's alone. */
class SelfCheckState(
    private val background: Background,
    private val bundles: BundleState,
    private val check: SelfCheckRun,
) : Observed() {
    enum class Phase { IDLE, WAITING, RUNNING, CANCELLING, CANCELLED, DONE, BROKEN }

    var phase = Phase.IDLE
        private set
    var rows: List<CellResult> = emptyList()
        private set
    var done = 0
        private set
    var total = 0
        private set

    /** Which step is done now, in words. */
    var now = ""
        private set

    /** Why the run broke; empty where it did not. */
    var fault = ""
        private set

    /** The report as JSON; null until a run is over. */
    var report: String? = null
        private set

    val running get() = phase == Phase.WAITING || phase == Phase.RUNNING || phase == Phase.CANCELLING
    val outcomes: Map<Outcome, Int> get() = rows.groupingBy { it.cell.outcome }.eachCount()

    private var bundle: Bundle? = null
    private var run = Run()

    init {
        bundles.watch {
            if (bundle != null && bundles.bundle !== bundle) reset()
        }
    }

    fun start() {
        val bundle = bundles.bundle
        if (running || bundle == null) return
        reset()
        this.bundle = bundle
        phase = Phase.WAITING
        val own = Run()
        run = own
        changed()
        background.long({ check(bundle, own) }) { result -> if (run === own) end(own, result) }
    }

    /** Ends the run after the call that is going on; rows that are finished stay. */
    fun cancel() {
        if (!running) return
        run.stop = true
        phase = Phase.CANCELLING
        changed()
    }

    private fun end(run: Run, result: Result<String>) {
        phase = if (run.stop) Phase.CANCELLED else if (result.isSuccess) Phase.DONE else Phase.BROKEN
        report = if (run.stop) null else result.getOrNull()
        fault = if (run.stop) "" else result.exceptionOrNull()?.let(::sentence).orEmpty()
        now = ""
        changed()
    }

    private fun reset() {
        run.stop = true
        run = Run()
        bundle = null
        phase = Phase.IDLE
        rows = emptyList()
        done = 0
        total = 0
        now = ""
        fault = ""
        report = null
        changed()
    }

    /** One run, told from its own thread; what a run tells that is no longer the last one is dropped. */
    private inner class Run : Progress {
        @Volatile
        var stop = false

        override fun step(done: Int, total: Int, now: String) = tell {
            if (phase == Phase.WAITING) phase = Phase.RUNNING
            this@SelfCheckState.done = done
            this@SelfCheckState.total = total
            this@SelfCheckState.now = now
        }

        override fun finished(result: CellResult) = tell { rows = rows + result }

        override fun cancelled() = stop

        private fun tell(action: () -> Unit) = background.onMain {
            if (run === this) {
                action()
                changed()
            }
        }
    }
}
