package dev.edgeexport.core.tensor

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Values in C order (the last axis runs fastest), little endian, in a buffer from position 0 to its capacity.
 *
 * The buffer is direct where a tensor goes to an engine or comes from one.
 */
class Tensor(val dtype: DType, val shape: IntArray, bytes: ByteBuffer) {
    val bytes: ByteBuffer = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).apply { clear() }
    val size: Int get() = elements(shape)

    init {
        require(this.bytes.capacity() == size * dtype.bytes) {
            "${this.bytes.capacity()} bytes are no $dtype of ${shape.contentToString()}"
        }
    }

    /** The value at a flat index as a real number; integers beyond 2^53 lose their last bits. */
    operator fun get(index: Int): Double = when (dtype) {
        DType.FLOAT32 -> bytes.getFloat(4 * index).toDouble()
        DType.FLOAT64 -> bytes.getDouble(8 * index)
        DType.FLOAT16 -> halfToDouble(bytes.getShort(2 * index))
        else -> integer(index).toDouble()
    }

    /** The value at a flat index of a tensor of integers or booleans. */
    fun integer(index: Int): Long = when (dtype) {
        DType.INT64, DType.UINT64 -> bytes.getLong(8 * index)
        DType.INT32 -> bytes.getInt(4 * index).toLong()
        DType.UINT32 -> bytes.getInt(4 * index).toLong() and 0xffffffffL
        DType.INT16 -> bytes.getShort(2 * index).toLong()
        DType.UINT16 -> bytes.getShort(2 * index).toLong() and 0xffff
        DType.INT8 -> bytes.get(index).toLong()
        DType.UINT8, DType.BOOL -> bytes.get(index).toLong() and 0xff
        else -> throw IllegalStateException("$dtype holds no integers")
    }

    /** Stores an integer, already in the range of the type. */
    fun put(index: Int, value: Long) {
        when (dtype.bytes) {
            8 -> bytes.putLong(8 * index, value)
            4 -> bytes.putInt(4 * index, value.toInt())
            2 -> bytes.putShort(2 * index, value.toShort())
            else -> bytes.put(index, value.toByte())
        }
    }

    /** Stores a real number in a tensor of floats, rounded to its type. */
    fun put(index: Int, value: Double) {
        when (dtype) {
            DType.FLOAT32 -> bytes.putFloat(4 * index, value.toFloat())
            DType.FLOAT64 -> bytes.putDouble(8 * index, value)
            DType.FLOAT16 -> bytes.putShort(2 * index, doubleToHalf(value))
            else -> throw IllegalStateException("$dtype holds no real numbers")
        }
    }

    /** All values as real numbers, in C order. */
    fun toDoubles(): DoubleArray = DoubleArray(size) { this[it] }

    /** The same numbers as [dtype], which holds them; itself where it is of that type. */
    fun to(dtype: DType): Tensor {
        if (dtype == this.dtype) return this
        return zeros(dtype, shape).also {
            for (i in 0 until size) if (dtype.isFloat) it.put(i, this[i]) else it.put(i, integer(i))
        }
    }

    override fun toString() = "${dtype.label}${shape.contentToString()}"

    companion object {
        fun elements(shape: IntArray): Int = shape.fold(1) { product, axis -> Math.multiplyExact(product, axis) }

        /** A direct tensor of zeros. */
        fun zeros(dtype: DType, shape: IntArray): Tensor =
            Tensor(dtype, shape, ByteBuffer.allocateDirect(elements(shape) * dtype.bytes))

        fun of(values: FloatArray, vararg shape: Int): Tensor =
            zeros(DType.FLOAT32, shape).also { it.bytes.asFloatBuffer().put(values) }
    }
}
