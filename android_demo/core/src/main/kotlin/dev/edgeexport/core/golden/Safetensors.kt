package dev.edgeexport.core.golden

import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONException
import org.json.JSONObject

/** The arrays of a .safetensors file, as views into it. */
class Safetensors private constructor(val metadata: Map<String, String>, private val arrays: Map<String, Tensor>) {
    val names get() = arrays.keys

    operator fun get(name: String): Tensor? = arrays[name]

    companion object {
        private const val LONGEST_HEADER = 100L shl 20
        private const val METADATA = "__metadata__"

        /** @throws GoldenException the file is no safetensors file, or not all of one */
        fun read(file: ByteBuffer): Safetensors {
            val all = file.duplicate().order(ByteOrder.LITTLE_ENDIAN)
            all.clear()
            if (all.capacity() < 8) throw GoldenException("it has ${all.capacity()} bytes, which is no safetensors " +
                "file")
            val length = all.getLong(0)
            if (length < 2 || length > LONGEST_HEADER || length > all.capacity() - 8) {
                throw GoldenException("its header should have $length bytes and the file has ${all.capacity()}")
            }
            val text = ByteArray(length.toInt())
            all.position(8)
            all.get(text)
            try {
                val header = JSONObject(String(text, Charsets.UTF_8))
                val metadata = header.optJSONObject(METADATA) ?: JSONObject()
                val from = 8 + length.toInt()
                val names = header.keys().asSequence().filter { it != METADATA }
                return Safetensors(
                    metadata.keys().asSequence().associateWith(metadata::getString),
                    names.associateWith { array(all, from, it, header.getJSONObject(it)) },
                )
            } catch (error: JSONException) {
                throw GoldenException("its header is damaged (${error.message?.trimEnd('.')})", error)
            }
        }

        private fun array(all: ByteBuffer, from: Int, name: String, entry: JSONObject): Tensor {
            val code = entry.getString("dtype")
            val dtype = DType.ofSafetensors(code) ?: throw GoldenException("`$name` is of the unknown type $code")
            val sizes = entry.getJSONArray("shape")
            val shape = IntArray(sizes.length(), sizes::getInt)
            val offsets = entry.getJSONArray("data_offsets")
            val start = offsets.getLong(0)
            val end = offsets.getLong(1)
            val wanted = shape.fold(dtype.bytes.toLong()) { bytes, axis ->
                if (axis < 0 || bytes > Int.MAX_VALUE) -1 else bytes * axis
            }
            if (start < 0 || end > all.capacity() - from || end - start != wanted) {
                throw GoldenException("`$name` should have $wanted bytes and lies at $start to $end of " +
                    "${all.capacity() - from}: the file is cut off or damaged")
            }
            val view = all.duplicate()
            view.position(from + start.toInt()).limit(from + end.toInt())
            return Tensor(dtype, shape, view.slice())
        }
    }
}
