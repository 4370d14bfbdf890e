package dev.edgeexport.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import java.util.Locale

/** Latency over time: a point for each stretch of seconds, its median; one line for each artifact. */
class PlotView(context: Context, attributes: AttributeSet) : View(context, attributes) {
    /** Seconds and milliseconds, in turn. */
    private var series: List<FloatArray> = emptyList()
    private val density = resources.displayMetrics.density
    private val line = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeWidth = 2 * density
        strokeJoin = Paint.Join.ROUND
    }
    private val grid = Paint().apply {
        color = context.getColor(R.color.line)
        strokeWidth = density
    }
    private val words = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = context.getColor(R.color.text_second)
        textSize = TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, 12f, resources.displayMetrics)
    }
    private val colours = listOf(R.color.series_a, R.color.series_b).map(context::getColor)

    fun show(series: List<FloatArray>) {
        this.series = series
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val points = series.filter { it.size >= 2 }
        val most = points.maxOfOrNull { values -> (1 until values.size step 2).maxOf { values[it] } } ?: return
        val top = nice(most)
        val end = maxOf(points.maxOf { it[it.size - 2] }, 1f)
        val left = words.measureText(label(top)) + 8 * density
        val bottom = height - 20 * density
        val high = words.textSize / 2
        for (step in 0..4) {
            val y = bottom + (high - bottom) * step / 4
            canvas.drawLine(left, y, width.toFloat(), y, grid)
            if (step % 2 == 0) canvas.drawText(label(top * step / 4), 0f, y + high - 2 * density, words)
        }
        canvas.drawText("0 s", left, height - 2 * density, words)
        val last = String.format(Locale.getDefault(), "%.0f s", end)
        canvas.drawText(last, width - words.measureText(last), height - 2 * density, words)
        for ((index, values) in series.withIndex()) {
            if (values.size < 2) continue
            val path = Path()
            for (i in values.indices step 2) {
                val x = left + (width - left) * values[i] / end
                val y = bottom + (high - bottom) * values[i + 1] / top
                if (i == 0) path.moveTo(x, y) else path.lineTo(x, y)
            }
            line.color = colours[index]
            canvas.drawPath(path, line)
        }
    }

    private fun label(ms: Float) = Figures.milliseconds(ms.toDouble())

    /** The least of 1, 2, 5, 10, ... times a power of ten that is not below [value]. */
    private fun nice(value: Float): Float {
        var power = 1e-4f
        while (power * 10 <= value) power *= 10
        return listOf(1f, 2f, 5f, 10f).map { it * power }.first { it >= value }
    }
}
