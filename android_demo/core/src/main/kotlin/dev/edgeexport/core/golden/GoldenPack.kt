package dev.edgeexport.core.golden

import dev.edgeexport.core.bundle.ManifestParser
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import dev.edgeexport.core.tensor.TensorSpec
import java.nio.ByteBuffer
import org.json.JSONException
import org.json.JSONObject

/** Why a golden pack is refused, as half a sentence. */
class GoldenException(message: String, cause: Throwable? = null) : Exception(message, cause)

/**
 * Inputs (samples, *shape) and the framework's own outputs, in the source model's layout; docs/golden_pack.md.
 *
 * [label] is -1 where nobody knows the class; [atLimits] marks inputs made up at the limits of the legal range.
 */
class GoldenPack(
    val signature: Signature,
    private val inputs: Map<String, Tensor>,
    val outputs: Map<String, Tensor>,
    val label: LongArray,
    val atLimits: BooleanArray,
) {
    val samples get() = label.size

    /**
     * The inputs of one sample: one call of the source model. Whole numbers of a byte become its type here, one by one.
     */
    fun sample(index: Int): Map<String, Tensor> =
        signature.inputs.associate { it.name to slice(inputs.getValue(it.name), index).to(it.dtype) }

    /** The place in the pack of a sample counted among those that a gate judges. */
    fun realIndex(place: Int, withLimits: Boolean): Int =
        if (withLimits) place else (0 until samples).filterNot { atLimits[it] }[place]

    companion object {
        private val SCHEMAS = setOf("1", "2")
        private const val BYTES_SINCE = "2"

        /** @throws GoldenException no pack of a known schema, or one that proves nothing */
        fun read(file: ByteBuffer): GoldenPack {
            val arrays = Safetensors.read(file)
            val metadata = arrays.metadata
            if (metadata["kind"] != "golden-pack") throw GoldenException("its metadata do not call it a golden pack")
            val schema = metadata["schema_version"]
            if (schema !in SCHEMAS) throw GoldenException("it is of schema version $schema and this app reads " +
                "${SCHEMAS.joinToString()}")
            val signature = try {
                ManifestParser.signature(JSONObject(metadata["signature"] ?: ""))
            } catch (error: JSONException) {
                throw GoldenException("its signature cannot be read (${error.message?.trimEnd('.')})", error)
            }
            val inputs = signature.inputs.associate { it.name to array(arrays, "input/", it, schema == BYTES_SINCE) }
            val outputs = signature.outputs.associate { it.name to array(arrays, "output/", it, false) }
            val label = numbers(arrays, "label")
            val index = numbers(arrays, "index")
            val counts = (inputs.values + outputs.values).map { it.shape[0] } + listOf(label.size, index.size)
            if (counts.distinct().size > 1) throw GoldenException("its arrays hold unequal numbers of samples " +
                "(${counts.distinct().sorted().joinToString()})")
            if (label.isEmpty()) throw GoldenException("it holds 0 samples")
            return GoldenPack(signature, inputs, outputs, label, BooleanArray(index.size) { index[it] == -1L })
        }

        /** One sample of stacked values, without its sample axis; shares their memory. */
        fun slice(stack: Tensor, index: Int): Tensor {
            val shape = stack.shape.copyOfRange(1, stack.shape.size)
            val bytes = Tensor.elements(shape) * stack.dtype.bytes
            val view = stack.bytes.duplicate()
            view.position(index * bytes).limit((index + 1) * bytes)
            return Tensor(stack.dtype, shape, view.slice())
        }

        private fun array(arrays: Safetensors, prefix: String, spec: TensorSpec, bytes: Boolean): Tensor {
            val name = prefix + spec.name
            val found = arrays[name] ?: throw GoldenException("it has no array `$name`")
            val shape = found.shape
            if (shape.isEmpty() || !spec.fits(shape.copyOfRange(1, shape.size))) {
                throw GoldenException("`$name` is ${shape.contentToString()} and its signature says $spec, samples " +
                    "first")
            }
            if (found.dtype == DType.UINT8 && spec.dtype.isFloat && bytes) return found
            if (found.dtype != spec.dtype) throw GoldenException("`$name` holds ${found.dtype.label} and its " +
                "signature says ${spec.dtype.label}")
            if (found.dtype.isFloat) finite(name, found)
            return found
        }

        private fun finite(name: String, values: Tensor) {
            for (i in 0 until values.size) {
                if (!values[i].isFinite()) {
                    val sample = i / (values.size / values.shape[0])
                    throw GoldenException("`$name` holds NaN or Inf (first in sample $sample)")
                }
            }
        }

        private fun numbers(arrays: Safetensors, name: String): LongArray {
            val found = arrays[name]
            if (found == null || found.dtype != DType.INT64 || found.shape.size != 1) {
                throw GoldenException("it has no array `$name` of one int64 a sample")
            }
            return LongArray(found.size) { found.integer(it) }
        }
    }
}
