package dev.edgeexport.demo

import dev.edgeexport.core.run.Quantile

/** Times as a line to draw: the median of each stretch of seconds; stretches double when they are many. */
class Medians(private val most: Int = 120) {
    private var stretch = 0.25
    private var at = 0
    private var now = ArrayList<Double>()
    private val done = ArrayList<Point>()

    private class Point(val second: Double, val ms: Double)

    fun add(second: Double, ms: Double) {
        if ((second / stretch).toInt() != at) {
            close()
            at = (second / stretch).toInt() // of the new stretch, where it doubled
        }
        if (now.size < MOST_IN_STRETCH) now.add(ms)
    }

    /** Seconds and milliseconds, in turn. */
    fun points(): FloatArray {
        val all = if (now.isEmpty()) done else done + point()
        return FloatArray(2 * all.size) { (if (it % 2 == 0) all[it / 2].second else all[it / 2].ms).toFloat() }
    }

    private fun close() {
        if (now.isEmpty()) return
        done += point()
        now = ArrayList()
        if (done.size < most) return
        val halved = done.chunked(2).map { pair -> Point(pair.last().second, pair.map { it.ms }.average()) }
        done.clear()
        done += halved
        stretch *= 2
    }

    private fun point() = Point((at + 1) * stretch, Quantile.median(now.toDoubleArray()))

    private companion object {
        const val MOST_IN_STRETCH = 4096
    }
}
