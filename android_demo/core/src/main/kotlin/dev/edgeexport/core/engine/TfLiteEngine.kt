package dev.edgeexport.core.engine

import org.bytedeco.tensorflowlite.BuiltinOpResolver
import org.bytedeco.tensorflowlite.global.tensorflowlite as native

/** TensorFlow Lite by its C API, through JavaCPP: XNNPACK's kernels, and the same classes on Android and on the JVM. */
class TfLiteEngine : Engine {
    override val name = "tflite"
    override val formats = setOf("tflite")
    override val devices = listOf(EngineDevice("cpu"))
    override val missing: String
    override val version: String

    init {
        var found = ""
        missing = try {
            found = native.TfLiteVersion().getString()
            ""
        } catch (error: LinkageError) { // no library for this processor, or none that this system loads
            "the library of TensorFlow Lite is not here (${firstLine(error)}): install the build of the app for this " +
                "processor"
        }
        version = found
    }

    override fun open(model: ModelFile, device: String, threads: Int): Session {
        if (missing.isNotEmpty()) throw EngineException(missing)
        val file = try {
            TfLiteFile(model.bytes)
        } catch (error: EngineException) {
            throw EngineException("`${model.name}` cannot be opened: ${error.message}", cause = error)
        }
        val resolver = BuiltinOpResolver()
        try {
            requireVersions(model.name, file, resolver)
            val custom =
                file.operators.filter { it.custom.isNotEmpty() && resolver.FindOp(it.custom, it.version) == null }
            return session(model, file, threads, custom)
        } finally {
            resolver.close()
        }
    }

    /** A session, or where it is refused and there are custom operators without a kernel, their names. */
    private fun session(model: ModelFile, file: TfLiteFile, threads: Int, custom: List<TfLiteOperator>): Session = try {
        TfLiteSession(model, file, threads)
    } catch (error: EngineException) {
        if (custom.isEmpty()) throw error // XNNPACK has kernels for some that the resolver does not know
        val names = custom.joinToString { "`${it.custom}`" }
        throw EngineException(
            "`${model.name}` needs the custom operator $names, for which this app has no kernel; " +
                "export the model without it, or build the kernel into the app",
            unsupported = true,
            cause = error,
        )
    }

    /**
     * Every built-in operator is known in its version; TensorFlow Lite's own words would name only the first that is
     * not.
     */
    private fun requireVersions(name: String, file: TfLiteFile, resolver: BuiltinOpResolver) {
        val newer = file.operators.filter { it.custom.isEmpty() && resolver.FindOp(it.builtin, it.version) == null }
        if (newer.isEmpty()) return
        val asked = newer.joinToString { "${operatorName(it.builtin)} version ${it.version}" }
        val least = if (file.leastRuntime.isEmpty()) "" else ", which came with ${file.leastRuntime}"
        throw EngineException(
            "`$name` needs a newer runtime: $asked$least; TensorFlow Lite $version in this app does not know it. " +
                "Update the app, or export the model for an older runtime",
            unsupported = true,
        )
    }

    private fun operatorName(builtin: Int) = TfLiteOperators.names.getOrNull(builtin) ?: "operator $builtin"
}

internal fun firstLine(error: Throwable): String =
    generateSequence(error) { it.cause }.last().let { (it.message ?: it.javaClass.simpleName).lineSequence().first() }
