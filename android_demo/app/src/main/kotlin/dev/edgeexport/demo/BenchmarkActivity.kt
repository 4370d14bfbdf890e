package dev.edgeexport.demo

import android.os.Bundle
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.Spinner
import dev.edgeexport.core.check.Latency
import dev.edgeexport.core.run.BenchmarkResult

/** Latency as users meet it: in the app, with its screen on. */
class BenchmarkActivity : Screen() {
    override val shown get() = listOf(app.benchmark)
    private val state get() = app.benchmark

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent(R.layout.benchmark)
        findViewById<Button>(R.id.start).setOnClickListener { if (state.running) state.cancel() else state.start() }
        savedInstanceState?.let(::restore)
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        state.first?.let { outState.putStringArray(FIRST, it.words) }
        state.second?.let { outState.putStringArray(SECOND, it.words) }
        outState.putInt(THREADS, state.threads)
        outState.putString(SPAN, state.span.name)
    }

    private fun restore(saved: Bundle) = state.resume(
        saved.getStringArray(FIRST)?.let(Choice::of),
        saved.getStringArray(SECOND)?.let(Choice::of),
        saved.getInt(THREADS, 1),
        Span.valueOf(saved.getString(SPAN, Span.CALLS_200.name)),
    )

    override fun draw() {
        val root = findViewById<View>(R.id.root)
        actionBar?.subtitle = app.bundles.bundle?.manifest?.model
        drawChoices()
        if (state.running) window.addFlags(KEEP_ON) else window.clearFlags(KEEP_ON)
        root.text(R.id.phone).text = state.readings.lastOrNull()?.words ?: app.phone.describe()
        findViewById<Button>(R.id.start).apply {
            setText(if (state.running) R.string.cancel else R.string.start)
            isEnabled = state.first != null && !state.cancelling
        }
        findViewById<ProgressBar>(R.id.progress).apply {
            showIf(state.running)
            progress = (state.progress * 1000).toInt()
        }
        root.text(R.id.fault).say(noBundle.ifEmpty {
            if (state.first == null) getString(R.string.none_runs) else state.fault
        })
        drawResult(root)
        drawOverTime(root)
    }

    private fun drawChoices() {
        choice(R.id.choice_a, R.string.measure, state.choices, state.first, ::name) { state.choose(first = it) }
        choice(R.id.choice_b, R.string.compare_with, listOf(null) + state.choices, state.second, ::name) {
            state.choose(second = it)
        }
        choice(R.id.choice_threads, R.string.threads, THREAD_COUNTS, state.threads, Int::toString) {
            state.choose(threads = it)
        }
        choice(R.id.choice_length, R.string.length, Span.values().toList(), state.span, ::words) {
            state.choose(span = it)
        }
    }

    private fun <T> choice(id: Int, title: Int, items: List<T>, chosen: T, name: (T) -> String, taken: (T) -> Unit) {
        val view = findViewById<View>(id)
        view.text(R.id.title).setText(title)
        view.findViewById<Spinner>(R.id.choice).apply {
            contentDescription = getString(title)
            offer(items, chosen, name, taken)
            isEnabled = isEnabled && !state.running
        }
    }

    private fun name(choice: Choice?) = choice?.let(state::title) ?: getString(R.string.nothing)

    private fun words(span: Span) = when {
        span.calls > 0 -> resources.getQuantityString(R.plurals.runs, span.calls, span.calls)
        span.seconds < 60 -> resources.getQuantityString(R.plurals.seconds, span.seconds, span.seconds)
        else -> resources.getQuantityString(R.plurals.minutes, span.seconds / 60, span.seconds / 60)
    }

    private fun drawResult(root: View) {
        val result = state.result
        findViewById<View>(R.id.result).showIf(result != null)
        if (result == null) return
        root.text(R.id.verdict).say(result.race?.let { getString(R.string.verdict, it.says) } ?: state.titles.first())
        root.text(R.id.ratio).say(result.race?.let(::ratio).orEmpty())
        val sides = Line("", listOf(getString(R.string.side_a), getString(R.string.side_b)))
        val names = if (result.lanes.size == 2) listOf(sides) else emptyList()
        val heap = Line(getString(R.string.memory), listOf(Figures.bytes(state.heapBytes)))
        val lines = names + LANE_LINES.map { (title, value) -> Line(getString(title), result.lanes.map(value)) } + heap
        findViewById<LinearLayout>(R.id.figures).fill(R.layout.figures, lines) { view, line ->
            view.figures(line.title, line.figures[0], line.figures.getOrNull(1))
        }
    }

    private fun ratio(race: Latency): String {
        val (ratio, low, high) = listOf(race.found.ratio, race.found.low, race.found.high).map(Figures::factor)
        return getString(R.string.ratio, ratio, low, high, race.rounds)
    }

    private fun drawOverTime(root: View) {
        findViewById<View>(R.id.over_time).showIf(state.series.any { it.size >= 4 })
        val sides = listOf(R.string.side_a, R.string.side_b)
        val names = state.titles.mapIndexed { index, title ->
            if (state.titles.size == 1) title else "${getString(sides[index])}: $title"
        }
        val readings = state.readings.map { getString(R.string.at_second, it.second.toInt(), it.words) }
        root.text(R.id.legend).text = (names + readings).joinToString("\n")
        findViewById<PlotView>(R.id.plot).apply {
            contentDescription = getString(R.string.plot)
            show(state.series)
        }
    }

    private class Line(val title: String, val figures: List<String>)

    private companion object {
        const val KEEP_ON = WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON
        const val FIRST = "first"
        const val SECOND = "second"
        const val THREADS = "threads"
        const val SPAN = "span"
        val THREAD_COUNTS = listOf(1, 2, 4, 8)
        val LANE_LINES: List<Pair<Int, (BenchmarkResult) -> String>> = listOf(
            R.string.median to { Figures.milliseconds(it.p50) },
            R.string.ninety to { Figures.milliseconds(it.p90) },
            R.string.ninety_nine to { Figures.milliseconds(it.p99) },
            R.string.first_run to { Figures.milliseconds(it.firstMs) },
            R.string.model_load to { Figures.milliseconds(it.loadMs) },
            R.string.calls to { it.count.toString() },
        )
    }
}
