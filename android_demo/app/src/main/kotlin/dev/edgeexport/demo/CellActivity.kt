package dev.edgeexport.demo

import android.os.Bundle
import android.view.View
import android.widget.ImageView
import android.widget.LinearLayout
import dev.edgeexport.core.run.CellResult
import dev.edgeexport.core.run.WorstSample
import dev.edgeexport.core.tensor.Tensor
import kotlin.math.abs

/** One row of the self-check: its reasons and figures, and the sample on which it is farthest from the framework. */
class CellActivity : Screen() {
    override val shown get() = listOf(app.selfCheck)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent(R.layout.cell)
    }

    override fun draw() {
        val row = app.selfCheck.rows.firstOrNull { it.cell.id == intent.getStringExtra(ID) }
        val root = findViewById<View>(R.id.root)
        root.text(R.id.badge).showIf(row != null)
        findViewById<View>(R.id.worst).showIf(row?.worst != null)
        findViewById<View>(R.id.metrics).showIf(row != null && row.cell.metrics.isNotEmpty())
        if (row == null) {
            root.text(R.id.title).setText(R.string.row_gone)
            return
        }
        draw(root, row)
        row.worst?.let { draw(root, row, it) }
    }

    private fun draw(root: View, row: CellResult) {
        val cell = row.cell
        actionBar?.subtitle = cell.runtime
        root.text(R.id.title).text = cell.title
        root.text(R.id.text).text = cell.artifact
        root.text(R.id.badge).badge(cell.outcome)
        root.text(R.id.reasons).say(cell.reasons.joinToString("\n"))
        val figures = cell.metrics.entries.filter { it.value is Number }
        findViewById<LinearLayout>(R.id.metrics).fill(R.layout.figures, figures) { view, (name, value) ->
            view.figures(name, if (value is Double) Figures.value(value) else value.toString())
        }
    }

    private fun draw(root: View, row: CellResult, worst: WorstSample) {
        val labels = app.bundles.bundle?.labels.orEmpty()
        val label = labels.getOrNull(worst.label.toInt())
        root.text(R.id.worst_title).text =
            if (label == null) getString(R.string.worst, worst.index)
            else getString(R.string.worst_labelled, worst.index, label)
        val picture = app.bundles.bundle?.artifacts?.firstOrNull { it.file == row.cell.artifact }
            ?.source?.inputs?.firstNotNullOfOrNull { spec ->
                worst.inputs[spec.name]?.let { TensorPicture.of(it, spec) }
            }
        findViewById<ImageView>(R.id.picture).apply {
            showIf(picture != null)
            contentDescription = getString(R.string.worst_picture)
            setImageDrawable(picture?.sharp(resources))
        }
        val lines = worst.reference.flatMap { (name, values) -> lines(name, values, worst.got[name], labels) }
        findViewById<LinearLayout>(R.id.outputs).fill(R.layout.figures, lines) { view, line ->
            view.figures(line.title, line.reference, line.here)
        }
    }

    /** The values of one output side by side; of a large one those that differ most. */
    private fun lines(name: String, reference: Tensor, got: Tensor?, labels: List<String>): List<Line> {
        val head = Line(getString(R.string.output, name), getString(R.string.reference), getString(R.string.here))
        if (got == null || got.size != reference.size) {
            return listOf(head, Line(getString(R.string.shape), reference.toString(), got?.toString()
                ?: getString(R.string.missing)))
        }
        val all = 0 until reference.size
        val kept = if (all.count() <= MOST) all.toList() else all.sortedByDescending {
            abs(reference[it] - got[it])
        }.take(MOST)
        val most = Line(getString(R.string.largest, kept.size, all.count()), "", "")
        val said = if (kept.size < all.count()) listOf(most) else emptyList()
        return listOf(head) + said + kept.map {
            val name = if (labels.size == reference.size) labels[it] else "$it"
            Line(name, Figures.value(reference[it]), Figures.value(got[it]))
        }
    }

    private class Line(val title: String, val reference: String, val here: String)

    companion object {
        const val ID = "cell"
        private const val MOST = 12
    }
}
