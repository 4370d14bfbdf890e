package dev.edgeexport.jvm

/** A command line of one word, one argument and `--name value` pairs. */
class Options(arguments: List<String>, known: Set<String>) {
    val argument: String
    private val values = HashMap<String, String>()

    init {
        argument = arguments.firstOrNull()?.takeIf {
            !it.startsWith("--")
        } ?: throw UsageException("the file or folder is missing")
        val rest = arguments.drop(1)
        for (pair in rest.chunked(2)) {
            val name = pair[0].removePrefix("--")
            if (!pair[0].startsWith("--") || name !in known) throw UsageException("unknown option ${pair[0]}; there " +
                "are ${known.joinToString { "--$it" }}")
            values[name] = pair.getOrNull(1) ?: throw UsageException("${pair[0]} needs a value")
        }
    }

    operator fun get(name: String): String? = values[name]

    fun required(name: String): String = values[name] ?: throw UsageException("--$name is missing")

    fun count(name: String, default: Int): Int {
        val text = values[name] ?: return default
        return text.toIntOrNull()?.takeIf {
            it > 0
        } ?: throw UsageException("--$name is $text, which is no number above 0")
    }
}

class UsageException(message: String) : Exception(message)
