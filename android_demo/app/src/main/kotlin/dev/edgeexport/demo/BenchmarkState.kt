package dev.edgeexport.demo

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.run.Memory
import dev.edgeexport.core.run.Row

/** What the phone said of itself at a time of a run. */
class Reading(val second: Double, val words: String)

/** Times one artifact, or two against each other. */
class BenchmarkState(
    private val background: Background,
    private val engines: EngineState,
    private val bundles: BundleState,
    /** What the phone says of itself now: heat, battery. */
    private val read: () -> String,
    private val nativeHeapBytes: () -> Long,
    private val memory: Memory,
) : Observed() {
    var first: Choice? = null
        private set

    /** What [first] is compared with; null for nothing. */
    var second: Choice? = null
        private set
    var threads = 1
        private set
    var span = Span.CALLS_200
        private set

    var running = false
        private set
    var cancelling = false
        private set

    /** 0..1 of the run. */
    var progress = 0.0
        private set
    var fault = ""
        private set
    var result: Measured? = null
        private set

    /** The artifacts of [result], as a user reads them. */
    var titles: List<String> = emptyList()
        private set

    /** For each lane seconds and median milliseconds, in turn. */
    var series: List<FloatArray> = emptyList()
        private set

    /** What the phone said before, during and after the run, changes alone. */
    var readings: List<Reading> = emptyList()
        private set

    /** Bytes that the run took on the native heap at most. */
    var heapBytes = 0L
        private set

    private var bundle: Bundle? = null
    private var watch: Watch? = null

    /** What a restored screen asks for, until there is a bundle and an engine to have it of. */
    private var wanted: List<Choice?> = emptyList()

    init {
        bundles.watch(::follow)
        engines.watch(::follow)
        follow()
    }

    val artifacts: List<ArtifactEntry>
        get() = bundle?.artifacts.orEmpty().filter { Runtime.of(it, engines.engines).isNotEmpty() }

    /** Every artifact on every engine and device that runs it. */
    val choices: List<Choice>
        get() = artifacts.flatMap { entry -> Runtime.of(entry, engines.engines).map { Choice(entry.file, it) } }

    fun choose(
        first: Choice? = this.first,
        second: Choice? = this.second,
        threads: Int = this.threads,
        span: Span = this.span
    ) {
        if (running) return
        this.first = first?.takeIf { it in choices } ?: choices.firstOrNull()
        this.second = second?.takeIf { it in choices }
        this.threads = threads
        this.span = span
        changed()
    }

    /** Takes up what an earlier process was asked for, as far as the bundle still has it. */
    fun resume(first: Choice?, second: Choice?, threads: Int, span: Span) {
        wanted = listOf(first, second)
        choose(threads = threads, span = span)
        follow()
    }

    fun title(choice: Choice): String {
        val entry = artifacts.firstOrNull { it.file == choice.artifact } ?: return choice.artifact
        val device = if (choice.runtime.device == "cpu") "" else "$DOT${choice.runtime.device}"
        return "${entry.short}$DOT${choice.runtime.engine}$device"
    }

    fun start() {
        val bundle = bundle ?: return
        val chosen = listOfNotNull(first, second)
        if (running || chosen.isEmpty()) return
        clear()
        running = true
        titles = chosen.map(::title)
        val own = Watch(chosen.size)
        watch = own
        val measurement = Measurement(bundle, memory, threads, span)
        changed()
        background.long({ measurement.run(chosen.map { row(bundle, it) }, own.begin()) }) {
            if (watch === own) end(own, it)
        }
    }

    fun cancel() {
        if (!running) return
        watch?.stop = true
        cancelling = true
        changed()
    }

    private fun row(bundle: Bundle, choice: Choice): Row {
        val engine = engines.loaded.first { it.name == choice.runtime.engine }
        val device = engine.devices.first { it.name == choice.runtime.device }
        return Row(bundle.artifacts.first { it.file == choice.artifact }, engine, device)
    }

    private fun end(own: Watch, outcome: Result<Measured?>) {
        own.show()
        running = false
        cancelling = false
        result = outcome.getOrNull()
        fault = outcome.exceptionOrNull()?.let(::sentence).orEmpty()
        changed()
    }

    private fun clear() {
        watch?.stop = true
        watch = null
        running = false
        cancelling = false
        progress = 0.0
        fault = ""
        result = null
        titles = emptyList()
        series = emptyList()
        readings = emptyList()
        heapBytes = 0
    }

    private fun follow() {
        if (bundles.bundle !== bundle) {
            clear()
            bundle = bundles.bundle
        }
        if (running) return
        if (wanted.isEmpty() || choices.isEmpty()) return choose()
        choose(wanted[0], wanted[1])
        wanted = emptyList()
    }

    /** Gathers what a run tells, from its own thread, and shows it a few times a second. */
    private inner class Watch(private val lanes: Int) : MeasurementWatch {
        @Volatile
        var stop = false
        private val medians = List(lanes) { Medians() }
        private val said = mutableListOf<Reading>()
        private var heapBefore = 0L
        private var heapMost = 0L
        private var share = 0.0
        private var shownAt = 0L
        private var second = 0.0

        /** What was before anything is opened. */
        fun begin() = apply {
            heapBefore = nativeHeapBytes()
            note()
        }

        override fun progress(step: Int, share: Double) {
            val steps = if (lanes > 1) lanes + 1 else 1
            this.share = (step + share.coerceAtMost(1.0)) / steps
            val now = System.nanoTime()
            if (now - shownAt < SHOWN_EVERY_NS) return
            shownAt = now
            note()
            background.onMain { if (watch === this) show() }
        }

        override fun call(lane: Int, second: Double, ms: Double) {
            this.second = second
            synchronized(medians) { medians[lane].add(second, ms) }
        }

        override fun cancelled() = stop

        private fun note() {
            heapMost = maxOf(heapMost, nativeHeapBytes() - heapBefore)
            val words = read()
            synchronized(medians) { if (said.lastOrNull()?.words != words) said += Reading(second, words) }
        }

        fun show() {
            synchronized(medians) {
                series = medians.map { it.points() }
                readings = said.toList()
            }
            progress = share
            heapBytes = heapMost
            changed()
        }
    }

    private companion object {
        const val SHOWN_EVERY_NS = 250_000_000L
    }
}
