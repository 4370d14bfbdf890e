package dev.edgeexport.demo

import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Bundle
import android.view.Menu
import android.view.MenuItem
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.Button
import android.widget.ListView
import android.widget.ProgressBar
import android.widget.Toast
import dev.edgeexport.core.check.Cell
import dev.edgeexport.core.run.CellResult
import dev.edgeexport.demo.SelfCheckState.Phase

/** The golden pack through every artifact, engine and device: one row each, with its outcome and figures. */
class SelfCheckActivity : Screen() {
    override val shown get() = listOf(app.selfCheck, app.bundles)
    private val state get() = app.selfCheck
    private val rows = Rows()

    /** Whether the process that ran the check ended before the check did. */
    private var lost = false

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent(R.layout.self_check)
        lost = savedInstanceState?.getBoolean(RUNNING) == true && state.phase == Phase.IDLE
        findViewById<Button>(R.id.start).setOnClickListener { if (state.running) state.cancel() else state.start() }
        findViewById<ListView>(R.id.rows).apply {
            adapter = rows
            setOnItemClickListener { _, _, position, _ -> open(position) }
        }
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putBoolean(RUNNING, state.running || lost)
    }

    override fun draw() {
        val root = findViewById<View>(R.id.root)
        actionBar?.subtitle = app.bundles.bundle?.manifest?.model
        root.text(R.id.summary).text = summary()
        root.text(R.id.now).say(now())
        findViewById<ProgressBar>(R.id.progress).apply {
            showIf(state.running)
            isIndeterminate = state.total == 0
            max = state.total
            progress = state.done
        }
        findViewById<Button>(R.id.start).apply {
            val before = if (state.phase == Phase.IDLE) R.string.start else R.string.again
            setText(if (state.running) R.string.cancel else before)
            isEnabled = app.bundles.bundle != null && state.phase != Phase.CANCELLING
        }
        rows.show(state.rows)
        invalidateOptionsMenu()
    }

    private fun summary() = when {
        state.phase == Phase.IDLE -> getString(R.string.not_started)
        state.rows.isEmpty() && state.running -> getString(R.string.opening_models)
        else -> state.outcomes.toSortedMap().map { (outcome, count) ->
            getString(R.string.counted, count, getString(outcome.word))
        }.joinToString(DOT)
    }

    private fun now() = when (state.phase) {
        Phase.IDLE -> noBundle.ifEmpty { if (lost) getString(R.string.run_lost) else "" }
        Phase.WAITING -> getString(R.string.waiting)
        Phase.RUNNING -> getString(R.string.checked, state.done, state.total) + "\n" + state.now
        Phase.CANCELLING -> getString(R.string.cancelling)
        Phase.CANCELLED -> getString(R.string.stopped)
        Phase.BROKEN -> state.fault
        Phase.DONE -> ""
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.self_check, menu)
        return true
    }

    override fun onPrepareOptionsMenu(menu: Menu): Boolean {
        for (id in listOf(R.id.share, R.id.save)) menu.findItem(id).isVisible = state.report != null
        return true
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        when (item.itemId) {
            R.id.share -> share()
            R.id.save -> save()
            else -> return super.onOptionsItemSelected(item)
        }
        return true
    }

    private fun open(position: Int) =
        startActivity(Intent(this, CellActivity::class.java).putExtra(CellActivity.ID, state.rows[position].cell.id))

    private fun share() {
        val report = state.report ?: return
        app.background.quick({ Sharing.file(this, FILE).also { replace(it, report.toByteArray()) } }) { result ->
            result.onSuccess {
                val send = Intent(Intent.ACTION_SEND).setType("application/json")
                    .putExtra(Intent.EXTRA_STREAM, Sharing.uri(it))
                    .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
                startActivity(Intent.createChooser(send, getString(R.string.share)))
            }.onFailure(::sayNotSaved)
        }
    }

    private fun save() {
        val create = Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
            .setType("application/json").putExtra(Intent.EXTRA_TITLE, FILE)
        try {
            @Suppress("DEPRECATION") // its successor is AndroidX's
            startActivityForResult(create, SAVE)
        } catch (_: ActivityNotFoundException) {
            say(getString(R.string.no_app))
        }
    }

    @Deprecated("its successor is AndroidX's")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        val report = state.report
        val uri = data?.data
        if (requestCode != SAVE || resultCode != RESULT_OK || uri == null || report == null) return
        val write = { contentResolver.openOutputStream(uri, "wt")!!.use { it.write(report.toByteArray()) } }
        app.background.quick(write) { result ->
            result.onSuccess { say(getString(R.string.saved)) }.onFailure(::sayNotSaved)
        }
    }

    private fun sayNotSaved(error: Throwable) = say(getString(R.string.not_saved, sentence(error)))

    private fun say(text: String) = Toast.makeText(this, text, Toast.LENGTH_LONG).show()

    private inner class Rows : BaseAdapter() {
        private var items: List<CellResult> = emptyList()

        fun show(items: List<CellResult>) {
            if (this.items === items) return
            this.items = items
            notifyDataSetChanged()
        }

        override fun getCount() = items.size
        override fun getItem(position: Int) = items[position]
        override fun getItemId(position: Int) = position.toLong()

        override fun getView(position: Int, old: View?, parent: ViewGroup): View {
            val view = old ?: layoutInflater.inflate(R.layout.cell_row, parent, false)
            val cell = items[position].cell
            view.text(R.id.title).text = cell.title
            view.text(R.id.badge).badge(cell.outcome)
            view.text(R.id.runtime).text = cell.runtime
            view.text(R.id.parity).say(parity(cell))
            view.text(R.id.latency).say(latency(cell))
            return view
        }
    }

    private fun parity(cell: Cell): String {
        val figures = listOfNotNull(
            cell.metric("parity.max_abs")?.let { getString(R.string.max_abs, Figures.value(it)) },
            cell.metric("parity.snr_db")?.let { getString(R.string.snr, Figures.decibel(it)) },
            cell.metric("parity.top1_agreement")?.let { getString(R.string.top1, Figures.percent(it)) },
        ).joinToString(DOT)
        return (listOf(figures) + cell.reasons.take(1)).filter { it.isNotEmpty() }.joinToString("\n")
    }

    private fun latency(cell: Cell) = listOfNotNull(
        cell.metric("latency.latency_ms_p50")?.let { getString(R.string.p50, Figures.milliseconds(it)) },
        cell.metric("latency.latency_ms_p90")?.let { getString(R.string.p90, Figures.milliseconds(it)) },
        cell.metric("latency.load_ms")?.let { getString(R.string.load, Figures.milliseconds(it)) },
    ).joinToString(DOT)

    private companion object {
        const val RUNNING = "running"
        const val SAVE = 1
        const val FILE = "self-check.json"
    }
}

/** What tells the artifacts of one bundle apart. */
val Cell.title get() = "$precision$DOT$route$DOT$framework"
