package dev.edgeexport.core.report

/** JSON text of maps, lists, texts, numbers, booleans and null, keys in their order; NaN and infinities are texts. */
object Json {
    fun text(value: Any?): String = StringBuilder().also { write(value, it, "\n") }.append('\n').toString()

    private fun write(value: Any?, out: StringBuilder, line: String) {
        when (value) {
            null -> out.append("null")
            is String -> quote(value, out)
            is Double -> when {
                value.isFinite() -> out.append(value)
                value.isNaN() -> quote("NaN", out)
                else -> quote(if (value > 0) "Infinity" else "-Infinity", out)
            }
            is Float -> write(value.toDouble(), out, line)
            is Number, is Boolean -> out.append(value)
            is Map<*, *> -> block(value.entries, '{', '}', out, line) { (key, item), inner ->
                quote(key.toString(), out)
                out.append(": ")
                write(item, out, inner)
            }
            is Iterable<*> -> block(value, '[', ']', out, line) { item, inner -> write(item, out, inner) }
            else -> throw IllegalArgumentException("${value.javaClass} is nothing that JSON knows")
        }
    }

    private fun <T> block(
        items: Iterable<T>,
        open: Char,
        close: Char,
        out: StringBuilder,
        line: String,
        each: (T, String) -> Unit
    ) {
        out.append(open)
        val inner = "$line "
        var first = true
        for (item in items) {
            out.append(if (first) inner else ",$inner")
            first = false
            each(item, inner)
        }
        if (!first) out.append(line)
        out.append(close)
    }

    private fun quote(text: String, out: StringBuilder) {
        out.append('"')
        for (letter in text) when {
            letter == '"' || letter == '\\' -> out.append('\\').append(letter)
            letter < ' ' || letter in '\ud800'..'\udfff' -> out.append("\\u%04x".format(letter.code))
            else -> out.append(letter)
        }
        out.append('"')
    }
}
