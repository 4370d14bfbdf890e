package dev.edgeexport.core.engine

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An operator that a .tflite file asks for. [custom] is empty for those of TensorFlow Lite's own schema. */
class TfLiteOperator(val builtin: Int, val version: Int, val custom: String)

/** What a .tflite file says of its operators and signatures: the few tables of the schema that this takes. */
class TfLiteFile(bytes: ByteBuffer) {
    private val file = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).apply { clear() }
    val operators: List<TfLiteOperator>

    /** The key of the first signature; null where the file has none. */
    val signatureKey: String?

    /** The least runtime version that its converter noted; empty where it noted none. */
    val leastRuntime: String

    init {
        if (file.capacity() < 16 || file.getInt(4) != IDENTIFIER) throw EngineException("it is no TensorFlow Lite file")
        try {
            val model = file.getInt(0)
            operators = vector(model, OPERATOR_CODES).map(::operator)
            signatureKey = vector(model, SIGNATURES).firstOrNull()?.let { text(it, SIGNATURE_KEY) }
            leastRuntime = vector(model, METADATA).firstOrNull { text(it, METADATA_NAME) == "min_runtime_version" }
                ?.let { buffer(model, int(it, METADATA_BUFFER)) } ?: ""
        } catch (error: IndexOutOfBoundsException) {
            throw EngineException("it is damaged: a table leads out of the file", cause = error)
        } catch (error: IllegalArgumentException) {
            throw EngineException("it is damaged: a table leads out of the file", cause = error)
        }
    }

    private fun operator(table: Int): TfLiteOperator {
        val old = field(table, OPERATOR_OLD_BUILTIN)
        val builtin = maxOf(if (old == 0) 0 else file.get(old).toInt(), int(table, OPERATOR_BUILTIN))
        val version = if (field(table, OPERATOR_VERSION) == 0) 1 else int(table, OPERATOR_VERSION)
        return TfLiteOperator(builtin, version, if (builtin == CUSTOM) text(table, OPERATOR_CUSTOM) ?: "custom" else "")
    }

    private fun buffer(model: Int, index: Int): String {
        val table = vector(model, BUFFERS).getOrNull(index) ?: return ""
        val data = field(table, 0)
        if (data == 0) return ""
        val start = data + file.getInt(data)
        return String(bytes(start + 4, file.getInt(start)), Charsets.UTF_8).trimEnd('\u0000')
    }

    /** Where a field of a table lies; 0 where the table lacks it. */
    private fun field(table: Int, index: Int): Int {
        val layout = table - file.getInt(table)
        val place = 4 + 2 * index
        val offset = if (place < file.getShort(layout)) file.getShort(layout + place).toInt() and 0xffff else 0
        return if (offset == 0) 0 else table + offset
    }

    private fun int(table: Int, index: Int) = field(table, index).let { if (it == 0) 0 else file.getInt(it) }

    private fun text(table: Int, index: Int): String? {
        val at = field(table, index)
        if (at == 0) return null
        val start = at + file.getInt(at)
        return String(bytes(start + 4, file.getInt(start)), Charsets.UTF_8)
    }

    private fun bytes(start: Int, count: Int): ByteArray {
        if (count < 0 || count > file.capacity() - start) throw IndexOutOfBoundsException()
        val found = ByteArray(count)
        val view = file.duplicate()
        view.position(start)
        view.get(found)
        return found
    }

    private fun vector(table: Int, index: Int): List<Int> {
        val at = field(table, index)
        if (at == 0) return emptyList()
        val start = at + file.getInt(at)
        val count = file.getInt(start)
        if (count < 0 || count > (file.capacity() - start) / 4) throw IndexOutOfBoundsException()
        return (0 until count).map { (start + 4 + 4 * it).let { place -> place + file.getInt(place) } }
    }

    private companion object {
        const val IDENTIFIER = 0x334c4654 // TFL3
        const val CUSTOM = 32
        const val OPERATOR_CODES = 1
        const val BUFFERS = 4
        const val METADATA = 6
        const val SIGNATURES = 7
        const val OPERATOR_OLD_BUILTIN = 0
        const val OPERATOR_CUSTOM = 1
        const val OPERATOR_VERSION = 2
        const val OPERATOR_BUILTIN = 3
        const val METADATA_NAME = 0
        const val METADATA_BUFFER = 1
        const val SIGNATURE_KEY = 2
    }
}
