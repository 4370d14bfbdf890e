package dev.edgeexport.core.check

import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Tensor
import dev.edgeexport.core.tensor.TensorSpec
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sqrt

/**
 * The check `parity`: every output by name, every sample against the gate. The rules of `pipeline/checks/parity.py`.
 */
object Parity {
    private const val NOTHING = 1e-15
    private const val LEAST_TOLERANCE = 1e-5

    /**
     * @param reference the framework's eager fp32 outputs, (samples, *spec.shape) by name
     * @param got the artifact's, in the source model's layout and as real numbers
     * @param outputs the source model's outputs; nothing else may be there
     * @param atLimits (samples): true for inputs made up at the limits, which a gate may leave out
     */
    fun check(
        reference: Map<String, Tensor>,
        got: Map<String, Tensor>,
        outputs: List<TensorSpec>,
        gate: ParityGate,
        atLimits: BooleanArray? = null,
    ): Check {
        structure(reference, got, outputs, gate).let { if (it.isNotEmpty()) return failed(it) }
        val names = outputs.map { it.name }
        var want = names.associateWith { Rows.of(reference.getValue(it)) }
        var have = names.associateWith { Rows.of(got.getValue(it)) }
        var real = BooleanArray(want.getValue(names[0]).samples) { atLimits?.get(it) != true }
        if (!gate.atLimits) {
            want = want.mapValues { it.value.where(real) }
            have = have.mapValues { it.value.where(real) }
            real = BooleanArray(real.count { it }) { true }
        }
        if (real.size < gate.minSamples) {
            return failed(listOf("${real.size} samples compared; the gate wants ${gate.minSamples}"))
        }
        val judge = { spec: TensorSpec, one: Rows, other: Rows ->
            Judged.of(spec, reference.getValue(spec.name), one, other, gate)
        }
        val verdicts = LinkedHashMap<String, Judged>()
        for (spec in outputs) {
            val one = want.getValue(spec.name)
            val other = have.getValue(spec.name)
            var verdict = judge(spec, one, other)
            val enough = real.count { it } in gate.minSamples until real.size && verdict.reasons.isEmpty()
            if (enough && unproved(reference.getValue(spec.name).dtype, one, gate).isEmpty()) {
                val alone = judge(spec, one.where(real), other.where(real))
                verdict = Judged(alone.reasons.map { "on real inputs alone: $it" }, verdict.metrics)
            }
            verdicts[spec.name] = verdict
        }
        val said = verdicts.flatMap { (name, verdict) -> verdict.reasons.map { "output `$name`: $it" } }
        val swapped = if (said.isEmpty()) said else exchanged(want, have, gate.maxRelRange)
        val outcome = if (said.isEmpty()) Outcome.PASSED else Outcome.FAILED
        return Check("parity", outcome, swapped + said, combined(verdicts, real.size))
    }

    private fun failed(reasons: List<String>) = Check("parity", Outcome.FAILED, reasons)

    /** Everything that fails before any tolerance. */
    private fun structure(
        reference: Map<String, Tensor>,
        got: Map<String, Tensor>,
        outputs: List<TensorSpec>,
        gate: ParityGate,
    ): List<String> {
        val names = outputs.map { it.name }
        if (names.isEmpty()) return listOf("the model has no outputs: nothing compared proves nothing")
        val reasons = names.filter { it !in reference }.map { "the reference has no output `$it`" }.toMutableList()
        val missing = names.filter { it !in got }
        val extra = got.keys.filter { it !in names }
        if (missing.isNotEmpty()) {
            reasons += "missing output ${list(missing)}; the artifact gives ${list(got.keys).ifEmpty { "nothing" }}"
        }
        if (extra.isNotEmpty()) reasons += "unexpected output ${list(extra)}; the model has ${list(names)}"
        if (reasons.isNotEmpty()) return reasons
        for (spec in outputs) {
            val found = unfit(spec, reference.getValue(spec.name), got.getValue(spec.name))
            reasons += found.map { "output `${spec.name}`: $it" }
        }
        val counts = names.map { reference.getValue(it).shape.firstOrNull() ?: 0 }.distinct().sorted()
        if (reasons.isEmpty()) {
            if (counts == listOf(0)) reasons += "0 samples: nothing compared proves nothing"
            if (counts.size > 1) reasons += "the outputs hold unequal numbers of samples: $counts"
        } else if (reasons.none { "NaN" in it }) {
            val swapped =
                exchanged(reference.mapValues {
                    Rows.of(it.value)
                }, got.mapValues { Rows.of(it.value) }, gate.maxRelRange, reference, got)
            return swapped + reasons
        }
        return reasons
    }

    /** What of one output is not comparable at all. */
    private fun unfit(spec: TensorSpec, want: Tensor, have: Tensor): List<String> {
        val shape = want.shape.toList()
        if (shape.isEmpty() || !spec.fits(want.shape.copyOfRange(1, want.shape.size))) {
            return listOf("the reference is ${tuple(shape)}, which is not (samples, *${tuple(spec.shape)})")
        }
        val reasons = mutableListOf<String>()
        if (!have.shape.contentEquals(want.shape)) {
            reasons += "wrong shape ${tuple(have.shape.toList())}, the reference is ${tuple(shape)}"
        }
        if (kind(have.dtype) != kind(want.dtype)) {
            reasons += "wrong kind of number ${have.dtype.label}, the reference is ${want.dtype.label}"
        }
        if (0 in shape.drop(1)) reasons += "the reference has no elements: nothing compared proves nothing"
        for ((side, tensor) in listOf("the reference" to want, "the artifact" to have)) {
            if (!tensor.dtype.isFloat || tensor.size == 0) continue
            val rows = Rows.of(tensor)
            val bad = (0 until rows.samples).filterNot(rows::finite)
            if (bad.isNotEmpty()) {
                reasons += "$side gives NaN or Inf in ${bad.size} of ${rows.samples} samples (first: ${bad[0]})"
            }
        }
        return reasons
    }

    /** Why equality with this reference would prove nothing. */
    internal fun unproved(dtype: DType, reference: Rows, gate: ParityGate): List<String> {
        val count = reference.samples
        if (count == 1) return listOf("one sample proves nothing: whether the output follows its input cannot be seen")
        val constant = (1 until count).all { sample ->
            (0 until reference.width).all { reference[sample, it] == reference[0, it] }
        }
        if (constant) {
            return listOf("the reference is the same for all $count samples: agreeing with it proves nothing; give " +
                "inputs on which it moves (--data), or leave an output that is constant by design out of the model")
        }
        if (!dtype.isFloat) return emptyList()
        val greatest = reference.magnitude
        if (greatest < NOTHING) {
            return listOf("the reference never leaves 0 by more than ${general(greatest, 2)}: it is saturated and " +
                "proves nothing")
        }
        val least = reference.least
        val most = reference.greatest
        val atEdge = reference.values.count { it == least || it == most } / reference.values.size.toDouble()
        if (atEdge > gate.maxEdgeShare) {
            return listOf("the reference is saturated, ${percent(atEdge, 1)} of its values are its least or " +
                "greatest: it proves nothing")
        }
        return emptyList()
    }

    /** The samples whose angle tells something: those so near to zero that allowed noise turns them are left out. */
    internal fun loud(reference: Rows, gate: ParityGate): BooleanArray {
        val squares = DoubleArray(reference.samples) { sample ->
            (0 until reference.width).sumOf { reference[sample, it] * reference[sample, it] }
        }
        val norms = DoubleArray(squares.size) { sqrt(squares[it]) }
        val noise = 10.0.pow(-gate.minSnrDb / 20) * sqrt(norms.sumOf { it * it } / norms.size)
        val turned = sqrt(max(1.0 - gate.minCosine * gate.minCosine, 1e-12)) / max(gate.minCosine, 1e-12)
        val bound = min(2.0 * noise / turned, norms.max())
        return BooleanArray(norms.size) { norms[it] >= bound }
    }

    /** Outputs that hold another output's values. */
    private fun exchanged(
        reference: Map<String, Rows>,
        got: Map<String, Rows>,
        tolerance: Double,
        wantShapes: Map<String, Tensor>? = null,
        haveShapes: Map<String, Tensor>? = null,
    ): List<String> {
        val limit = max(tolerance, LEAST_TOLERANCE)
        val same = { name: String, other: String ->
            wantShapes == null || haveShapes == null ||
                wantShapes.getValue(other).shape.contentEquals(haveShapes.getValue(name).shape)
        }
        return got.flatMap { (name, have) ->
            val own = reference[name]
            if (own != null && same(name, name) && gap(own, have) <= limit) return@flatMap emptyList<String>()
            reference.filter { (other, values) -> other != name && same(name, other) && gap(values, have) <= limit }
                .keys.map { "`$name` equals the reference's `$it`: outputs are exchanged" }
        }
    }

    private fun gap(want: Rows, have: Rows): Double {
        if (want.samples != have.samples || want.width != have.width || want.values.isEmpty()) {
            return Double.POSITIVE_INFINITY
        }
        val range = want.range.let { if (it == 0.0) 1.0 else it }
        val gap = Metrics.maxAbs(want, have).max() / range
        return if (gap.isFinite()) gap else Double.POSITIVE_INFINITY
    }

    /** The worst of each metric over the outputs, then each output's own where there are several. */
    private fun combined(verdicts: Map<String, Judged>, count: Int): Map<String, Any?> {
        val all = LinkedHashMap<String, Any?>()
        all["samples"] = count
        for (verdict in verdicts.values) for ((name, value) in verdict.metrics) {
            if (name == "worst_sample" || value !is Double) continue
            val before = all[name] as Double?
            all[name] = when {
                before == null -> value
                name.startsWith("max") -> max(before, value)
                else -> min(before, value)
            }
        }
        val first = verdicts.values.maxByOrNull { it.metrics["max_rel_range"] as Double? ?: 0.0 }!!
        all["worst_sample"] = first.metrics["worst_sample"]
        if (verdicts.size > 1) {
            for ((output, verdict) in verdicts) for ((name, value) in verdict.metrics) all["$output.$name"] = value
        }
        return all
    }

    private fun kind(dtype: DType) = when {
        dtype.isFloat -> 'f'
        dtype == DType.BOOL -> 'b'
        else -> 'i'
    }

    private fun list(names: Collection<String>) = names.joinToString { "`$it`" }
}
