package dev.edgeexport.core.golden

import dev.edgeexport.core.tensor.Tensor
import java.io.File
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONArray
import org.json.JSONObject

/** Writes arrays as a .safetensors file, widest type first, so that each is aligned. */
object SafetensorsFile {
    fun write(file: File, arrays: Map<String, Tensor>, metadata: Map<String, String> = emptyMap()) {
        val order = arrays.entries.sortedWith(compareBy({ -it.value.dtype.bytes }, { it.key }))
        val header = JSONObject()
        if (metadata.isNotEmpty()) header.put("__metadata__", JSONObject(metadata))
        var offset = 0
        for ((name, value) in order) {
            val end = offset + value.bytes.capacity()
            val entry = JSONObject().put("dtype", value.dtype.safetensors).put("shape", JSONArray(value.shape.toList()))
            header.put(name, entry.put("data_offsets", JSONArray(listOf(offset, end))))
            offset = end
        }
        var text = header.toString().toByteArray(Charsets.UTF_8)
        text += ByteArray((8 - text.size % 8) % 8) { ' '.code.toByte() }
        RandomAccessFile(file, "rw").use { out ->
            out.setLength(0)
            val size = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.size.toLong())
            out.write(size.array())
            out.write(text)
            for ((_, value) in order) out.channel.write(value.bytes.duplicate().apply { clear() })
        }
    }
}
