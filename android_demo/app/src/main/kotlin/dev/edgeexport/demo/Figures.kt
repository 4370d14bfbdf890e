package dev.edgeexport.demo

import java.util.Locale
import kotlin.math.abs

/** Numbers as people read them, in the user's own locale. */
object Figures {
    fun bytes(count: Long): String = when {
        count < 1000 -> "$count\u00a0B"
        count < 1_000_000 -> "${(count + 500) / 1000}\u00a0kB"
        else -> format("%.1f MB", count / 1e6)
    }

    /** A time in three significant digits. */
    fun milliseconds(ms: Double): String = when {
        ms < 1 -> format("%.3f ms", ms)
        ms < 10 -> format("%.2f ms", ms)
        ms < 100 -> format("%.1f ms", ms)
        else -> format("%.0f ms", ms)
    }

    fun percent(share: Double): String = format(if (share == 1.0 || share == 0.0) "%.0f %%" else "%.1f %%", share * 100)

    /** A value of a tensor: four significant digits, small and large ones with a power of ten. */
    fun value(value: Double): String = when {
        value == 0.0 || abs(value) in 1e-3..1e5 -> format("%.4f", value)
        value.isNaN() || value.isInfinite() -> value.toString()
        else -> format("%.2e", value)
    }

    fun decibel(value: Double): String = if (value.isInfinite()) "∞\u00a0dB" else format("%.1f dB", value)

    fun factor(value: Double): String = if (value.isInfinite()) "∞" else format("%.3f", value)

    /** A number and its unit stay on one line. */
    private fun format(pattern: String, value: Double) =
        String.format(Locale.getDefault(), pattern, value).replace(' ', '\u00a0')
}
