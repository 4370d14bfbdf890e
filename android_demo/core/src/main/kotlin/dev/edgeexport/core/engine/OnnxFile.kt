package dev.edgeexport.core.engine

import java.nio.ByteBuffer

/** What an ONNX file says of its operators, from the few protobuf fields that this takes. */
class OnnxFile(bytes: ByteBuffer) {
    /** Operator set versions by domain; the empty domain is ONNX's own. */
    val opsets = LinkedHashMap<String, Long>()

    /** (domain, operator) of every node of the main graph. */
    val operators = LinkedHashSet<Pair<String, String>>()

    init {
        try {
            fields(bytes.duplicate().apply { clear() }) { number, _, piece ->
                if (piece != null && number == MODEL_OPSETS) opset(piece)
                if (piece != null && number == MODEL_GRAPH) graph(piece)
            }
        } catch (error: RuntimeException) { // a length that leads out of the file
            throw EngineException("it is damaged, or no ONNX file", cause = error)
        }
    }

    private fun opset(piece: ByteBuffer) {
        var domain = ""
        var version = 0L
        fields(piece) { number, value, text ->
            if (number == 1 && text != null) domain = string(text)
            if (number == 2) version = value
        }
        opsets[domain] = version
    }

    private fun graph(piece: ByteBuffer) =
        fields(piece) { number, _, node -> if (number == 1 && node != null) node(node) }

    private fun node(piece: ByteBuffer) {
        var type = ""
        var domain = ""
        fields(piece) { number, _, text ->
            if (number == NODE_TYPE && text != null) type = string(text)
            if (number == NODE_DOMAIN && text != null) domain = string(text)
        }
        operators += domain to type
    }

    private fun fields(all: ByteBuffer, each: (Int, Long, ByteBuffer?) -> Unit) {
        while (all.hasRemaining()) {
            val key = varint(all)
            val number = (key shr 3).toInt()
            when ((key and 7).toInt()) {
                0 -> each(number, varint(all), null)
                1 -> all.position(all.position() + 8)
                5 -> all.position(all.position() + 4)
                2 -> {
                    val length = varint(all).toInt()
                    val piece = all.duplicate()
                    piece.limit(all.position() + length)
                    all.position(all.position() + length)
                    each(number, 0, piece)
                }
                else -> throw IllegalArgumentException("wire type")
            }
        }
    }

    private fun varint(all: ByteBuffer): Long {
        var value = 0L
        for (shift in 0..63 step 7) {
            val byte = all.get().toLong()
            value = value or ((byte and 0x7f) shl shift)
            if (byte >= 0) return value
        }
        throw IllegalArgumentException("varint")
    }

    private fun string(piece: ByteBuffer) = Charsets.UTF_8.decode(piece.duplicate()).toString()

    private companion object {
        const val MODEL_GRAPH = 7
        const val MODEL_OPSETS = 8
        const val NODE_TYPE = 4
        const val NODE_DOMAIN = 7
    }
}
