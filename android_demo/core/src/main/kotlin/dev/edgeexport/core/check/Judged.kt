package dev.edgeexport.core.check

import dev.edgeexport.core.tensor.Tensor
import dev.edgeexport.core.tensor.TensorSpec

/** What one output came to. */
internal class Judged(val reasons: List<String>, val metrics: Map<String, Any?>) {
    companion object {
        /** One output of fitting shape and finite values against the tolerances. [whole] tells type and shape. */
        fun of(spec: TensorSpec, whole: Tensor, reference: Rows, got: Rows, gate: ParityGate): Judged {
            val reasons = Parity.unproved(whole.dtype, reference, gate).toMutableList()
            if (!whole.dtype.isFloat) return ofIntegers(reference, got, gate, reasons)
            val relative = Metrics.maxRelRange(reference, got)
            val loud = Parity.loud(reference, gate)
            val angle = Metrics.cosine(reference, got).filterIndexed { sample, _ -> loud[sample] }
            val worst = relative.indices.maxByOrNull { relative[it] }!!
            val metrics = linkedMapOf<String, Any?>(
                "max_abs" to Metrics.maxAbs(reference, got).max(),
                "max_rel_range" to relative.max(),
                "snr_db" to Metrics.snrDb(reference, got),
                "snr_db_worst" to Metrics.snrDbBySample(reference, got).min(),
                "moving_snr_db" to Metrics.movingSnrDb(reference, got),
                "cosine_worst" to angle.min(),
                "worst_sample" to worst,
            )
            val broken = mutableListOf<String>()
            fun want(name: String, bound: Double, most: Boolean = false) {
                val value = metrics[name] as Double
                if (if (most) value <= bound else value >= bound) return
                broken += "$name ${general(value, 4)}, wanted ${if (most) "<=" else ">="} ${general(bound)}"
            }
            want("max_rel_range", gate.maxRelRange, most = true)
            want("snr_db", gate.minSnrDb)
            want("moving_snr_db", gate.minMovingSnrDb)
            want("cosine_worst", gate.minCosine)
            if (hasClasses(spec, whole)) {
                val tie = if (gate.minTop1 >= 1) 2.0 * gate.maxRelRange * reference.range else 0.0
                metrics["top1_agreement"] = Metrics.top1Agreement(reference, got, tie).average()
                want("top1_agreement", gate.minTop1)
            }
            if (broken.isNotEmpty()) {
                reasons += broken.joinToString("; ") + " (worst sample $worst)"
                reasons += Causes(whole.shape.drop(1), reference, got).likely(gate.maxRelRange)
            }
            return Judged(reasons, metrics)
        }

        private fun ofIntegers(reference: Rows, got: Rows, gate: ParityGate, reasons: MutableList<String>): Judged {
            val share = Metrics.agreement(reference, got)
            val mean = share.average()
            if (mean < gate.minTop1) {
                reasons += "only ${percent(mean)} of the values equal the reference's, wanted ${percent(gate.minTop1)}"
            }
            val worst = share.indices.minByOrNull { share[it] }!!
            return Judged(reasons, mapOf("agreement" to mean, "worst_sample" to worst))
        }

        /** Whether the largest value along the last axis is an answer. */
        private fun hasClasses(spec: TensorSpec, values: Tensor): Boolean {
            val last = values.shape.last()
            val single = values.size / values.shape[0] == last
            return last > 1 && single && (spec.meaning == "logits" || spec.shape.size == 2)
        }
    }
}
