package dev.edgeexport.core.check

import dev.edgeexport.core.tensor.Tensor
import kotlin.math.abs

/**
 * What the app made of one picture, beside Python's tensor; [top1] are the classes that follow, null without classes.
 */
class PictureResult(
    val file: String,
    val exact: Boolean,
    val steps: Double,
    val top1: Pair<Int, Int>?,
    val fault: String = "",
) {
    companion object {
        /** The largest difference in steps of an 8-bit picture; infinite where the shapes differ. */
        fun steps(wanted: Tensor, got: Tensor, range: Double): Double {
            if (!wanted.shape.contentEquals(got.shape)) return Double.POSITIVE_INFINITY
            var worst = 0.0
            for (i in 0 until wanted.size) worst = maxOf(worst, abs(wanted[i] - got[i]))
            return worst / (range / 255)
        }
    }
}

/** The check `pictures`: whether the app makes of pictures what Python makes of them, and what the model then says. */
object Pictures {
    fun check(results: List<PictureResult>, gate: PicturesGate): Check? {
        if (results.isEmpty()) return null
        val reasons = mutableListOf<String>()
        for (one in results) {
            val allowed = if (one.exact) 0.0 else gate.maxSteps
            if (one.fault.isNotEmpty()) reasons += "`${one.file}`: ${one.fault}"
            else if (!(one.steps <= allowed)) {
                reasons += "`${one.file}` becomes other values than Python's, by up to ${general(one.steps, 3)} of " +
                    "255 steps; allowed ${general(allowed)}"
            }
        }
        val classified = results.filter { it.top1 != null }
        val same = classified.count { it.top1!!.first == it.top1.second }
        if (classified.isNotEmpty() && same < gate.minTop1 * classified.size) {
            reasons += "${classified.size - same} of ${classified.size} pictures get another class than Python's " +
                "tensors of them"
        }
        val metrics = mapOf(
            "pictures" to results.size,
            "max_steps" to results.maxOf { it.steps },
            "bit_equal" to results.count { it.steps == 0.0 },
            "top1_agreement" to if (classified.isEmpty()) null else same.toDouble() / classified.size,
        )
        return Check("pictures", if (reasons.isEmpty()) Outcome.PASSED else Outcome.FAILED, reasons, metrics)
    }
}
