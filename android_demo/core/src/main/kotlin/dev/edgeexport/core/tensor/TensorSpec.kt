package dev.edgeexport.core.tensor

/**
 * One input or output, as the manifest describes it.
 *
 * [shape] is that of one call; null is a dynamic axis. [layout] names the axes (`NHWC`), or is empty where nobody
 * knows. [scale] and [zeroPoint] come together: real = scale * (stored - zeroPoint). [meaning] is `image`, `logits`
 * or empty.
 */
data class TensorSpec(
    val name: String,
    val shape: List<Int?>,
    val dtype: DType,
    val layout: String = "",
    val scale: Double? = null,
    val zeroPoint: Int? = null,
    val meaning: String = "",
    val limits: ClosedFloatingPointRange<Double>? = null,
) {
    val quantized get() = scale != null

    /** Whether an array of this shape is one call of it. */
    fun fits(found: IntArray) =
        found.size == shape.size && shape.indices.all { shape[it] == null || shape[it] == found[it] }

    override fun toString() = "`$name` ${dtype.label}[${shape.joinToString { it?.toString() ?: "any" }}] $layout".trim()
}

data class Signature(val inputs: List<TensorSpec>, val outputs: List<TensorSpec>)
