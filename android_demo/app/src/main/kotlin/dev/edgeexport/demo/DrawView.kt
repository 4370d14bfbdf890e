package dev.edgeexport.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.os.Bundle
import android.os.Parcelable
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View

/** A pad to draw on with a finger. Its strokes survive rotation and the end of the process. */
class DrawView(context: Context, attributes: AttributeSet) : View(context, attributes) {
    /** Called with all strokes when the finger lifts. */
    var drawn: (Strokes) -> Unit = {}

    private val strokes = mutableListOf<MutableList<Float>>()
    private val ink = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = context.getColor(R.color.ink)
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
    }

    init {
        setBackgroundResource(R.color.pad)
        isFocusable = true
    }

    /** Tells what is drawn, once more. */
    fun tell() {
        if (strokes.isNotEmpty()) drawn(Strokes(strokes.map { it.toFloatArray() }))
    }

    fun clear() {
        strokes.clear()
        invalidate()
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                parent.requestDisallowInterceptTouchEvent(true) // the page stays where it is
                strokes += mutableListOf<Float>()
            }
            MotionEvent.ACTION_UP -> performClick()
            MotionEvent.ACTION_MOVE -> Unit
            else -> return super.onTouchEvent(event)
        }
        val stroke = strokes.lastOrNull() ?: return false
        for (past in 0 until event.historySize) stroke.add(event.getHistoricalX(past), event.getHistoricalY(past))
        stroke.add(event.x, event.y)
        invalidate()
        if (event.actionMasked == MotionEvent.ACTION_UP) tell()
        return true
    }

    override fun performClick(): Boolean {
        super.performClick()
        return true
    }

    override fun onDraw(canvas: Canvas) = Strokes(strokes.map { it.toFloatArray() }).draw(canvas, width, ink)

    override fun onSaveInstanceState(): Parcelable = Bundle().apply {
        putParcelable(SUPER, super.onSaveInstanceState())
        putInt(COUNT, strokes.size)
        strokes.forEachIndexed { index, stroke -> putFloatArray("$index", stroke.toFloatArray()) }
    }

    override fun onRestoreInstanceState(state: Parcelable) {
        val saved = state as Bundle
        @Suppress("DEPRECATION")
        super.onRestoreInstanceState(saved.getParcelable(SUPER))
        strokes.clear()
        for (index in 0 until saved.getInt(COUNT)) strokes += saved.getFloatArray("$index")!!.toMutableList()
    }

    private fun MutableList<Float>.add(x: Float, y: Float) {
        add((x / width).coerceIn(0f, 1f))
        add((y / height).coerceIn(0f, 1f))
    }

    private companion object {
        const val SUPER = "super"
        const val COUNT = "count"
    }
}

/** What was drawn: for each stroke x, y, x, y, ... in shares of the pad. */
class Strokes(val points: List<FloatArray>) {
    /** Draws them on a square of [side] pixels, a line being a twelfth of it wide. */
    fun draw(canvas: Canvas, side: Int, ink: Paint) {
        ink.strokeWidth = side / 12f
        for (stroke in points) {
            val path = Path()
            path.moveTo(stroke[0] * side, stroke[1] * side)
            path.lineTo(stroke[0] * side + 0.1f, stroke[1] * side) // a tap is a dot
            for (i in 2 until stroke.size step 2) path.lineTo(stroke[i] * side, stroke[i + 1] * side)
            canvas.drawPath(path, ink)
        }
    }
}
