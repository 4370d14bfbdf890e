package dev.edgeexport.core.tensor

import kotlin.math.truncate

/** Values that do not fit the specs they are to be adapted by. */
class AdaptException(message: String) : Exception(message)

/**
 * Values between the source model's layout and dtype and a file's own: bound by name, moved by axis letters.
 *
 * The rules of `converters/adapt.py`; quantization rounds half away from zero, as TensorFlow Lite's QUANTIZE does.
 */
object Adapt {
    /** [values] of the specs [given], as [wanted] says. */
    fun all(values: Map<String, Tensor>, given: List<TensorSpec>, wanted: List<TensorSpec>): Map<String, Tensor> {
        val known = given.associateBy { it.name }
        if (known.keys != values.keys || known.keys != wanted.map { it.name }.toSet()) {
            throw AdaptException("the model names ${known.keys}, the file ${wanted.map { it.name }}, and given are " +
                "${values.keys}")
        }
        return wanted.associate { it.name to one(values.getValue(it.name), known.getValue(it.name), it) }
    }

    /** One tensor of the spec [given], as [wanted] says. */
    fun one(value: Tensor, given: TensorSpec, wanted: TensorSpec): Tensor {
        if (!given.fits(value.shape)) throw AdaptException("`${given.name}`: shape ${value.shape.contentToString()} " +
            "does not fit $given")
        if (value.dtype != given.dtype) throw AdaptException("`${given.name}`: ${value.dtype.label} is not " +
            "${given.dtype.label}")
        val order = order(given, wanted)
        val moved = transpose(value, order)
        if (!wanted.fits(moved.shape)) throw AdaptException("`${given.name}`: ${value.shape.contentToString()} " +
            "(${given.layout}) does not become $wanted")
        return retype(moved, given, wanted)
    }

    /** For each axis of [wanted], the axis of [given] that has its letter. */
    private fun order(given: TensorSpec, wanted: TensorSpec): IntArray {
        if (given.layout == wanted.layout) return IntArray(given.shape.size) { it }
        val same = given.layout.toSortedSet() == wanted.layout.toSortedSet()
        if (given.layout.isEmpty() || !same || given.layout.length != wanted.layout.length) {
            throw AdaptException("`${given.name}`: nobody knows how layout `${given.layout}` becomes " +
                "`${wanted.layout}`")
        }
        return IntArray(wanted.layout.length) { given.layout.indexOf(wanted.layout[it]) }
    }

    private fun transpose(value: Tensor, order: IntArray): Tensor {
        if (order.indices.all { order[it] == it }) return value
        val shape = IntArray(order.size) { value.shape[order[it]] }
        val strides = IntArray(order.size)
        var step = 1
        for (axis in value.shape.indices.reversed()) {
            strides[axis] = step
            step *= value.shape[axis]
        }
        val moved = Tensor.zeros(value.dtype, shape)
        val place = IntArray(shape.size)
        val bytes = value.dtype.bytes
        for (to in 0 until moved.size) {
            var from = 0
            for (axis in place.indices) from += place[axis] * strides[order[axis]]
            for (i in 0 until bytes) moved.bytes.put(to * bytes + i, value.bytes.get(from * bytes + i))
            var axis = place.size - 1
            while (axis >= 0 && ++place[axis] == shape[axis]) place[axis--] = 0
        }
        return moved
    }

    private fun retype(value: Tensor, given: TensorSpec, wanted: TensorSpec): Tensor {
        if (given.dtype == wanted.dtype && given.scale == wanted.scale && given.zeroPoint == wanted.zeroPoint) {
            return value
        }
        val real =
            if (given.scale != null && given.zeroPoint != null) dequantize(value, given.scale, given.zeroPoint)
            else value
        if (wanted.scale != null && wanted.zeroPoint != null) {
            return quantize(real, wanted.scale, wanted.zeroPoint, wanted.dtype)
        }
        if (real.dtype == wanted.dtype) return real
        val result = Tensor.zeros(wanted.dtype, real.shape)
        when {
            real.dtype.isFloat && wanted.dtype.isFloat -> for (i in 0 until real.size) result.put(i, real[i])
            real.dtype.isInteger && wanted.dtype.isInteger -> for (i in 0 until real.size) {
                val whole = real.integer(i)
                if (whole !in wanted.dtype.least..wanted.dtype.greatest) throw AdaptException("`${given.name}`: " +
                    "$whole does not fit ${wanted.dtype.label}")
                result.put(i, whole)
            }
            else -> throw AdaptException("`${given.name}`: ${real.dtype.label} does not become ${wanted.dtype.label} " +
                "without a scale")
        }
        return result
    }

    /** Stored integers, round(value / scale) + zero point, half away from zero, clipped to the range of [dtype]. */
    fun quantize(values: Tensor, scale: Double, zeroPoint: Int, dtype: DType): Tensor {
        val stored = Tensor.zeros(dtype, values.shape)
        val least = dtype.least.toFloat()
        val greatest = dtype.greatest.toFloat()
        for (i in 0 until values.size) {
            val value = values[i].toFloat()
            if (value.isNaN()) throw AdaptException("not-a-number values cannot be quantized")
            val steps = (value / scale.toFloat()).coerceIn(least - zeroPoint - 1, greatest - zeroPoint + 1)
            val whole = truncate(steps)
            val fraction = steps - whole // exact: adding 0.5 to the value itself would round 0.49999997 up
            val rounded = whole + truncate(2 * fraction) + zeroPoint
            stored.put(i, rounded.coerceIn(least, greatest).toLong())
        }
        return stored
    }

    /** Real numbers, scale * (stored - zero point), in float32. */
    fun dequantize(stored: Tensor, scale: Double, zeroPoint: Int): Tensor {
        val values = Tensor.zeros(DType.FLOAT32, stored.shape)
        for (i in 0 until stored.size) {
            val real = (stored.integer(i).toFloat() - zeroPoint.toFloat()) * scale.toFloat()
            values.bytes.putFloat(4 * i, real)
        }
        return values
    }
}
