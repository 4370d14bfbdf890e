package dev.edgeexport.core.engine

import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession

/** ONNX Runtime on the CPU. */
class OnnxEngine : Engine {
    override val name = "onnxruntime"
    override val formats = setOf("onnx", "ort")
    override val devices = listOf(EngineDevice("cpu"))
    override val missing: String
    override val version: String
    private val environment: OrtEnvironment?

    init {
        var found: OrtEnvironment? = null
        missing = try {
            found = environment()
            ""
        } catch (error: LinkageError) {
            "the library of ONNX Runtime is not in this build of the app (${firstLine(error)}): the Gradle build " +
                "brings it"
        }
        environment = found
        version = found?.version ?: ""
    }

    override fun open(model: ModelFile, device: String, threads: Int): Session {
        val environment = environment ?: throw EngineException(missing)
        val file = try {
            if (model.format == "onnx") OnnxFile(model.bytes) else null
        } catch (error: EngineException) {
            throw EngineException("`${model.name}` cannot be opened: ${error.message}", cause = error)
        }
        val start = System.nanoTime()
        val session = try {
            OrtSession.SessionOptions().use { options ->
                options.setIntraOpNumThreads(threads)
                options.setInterOpNumThreads(1)
                options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL)
                options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT)
                environment.createSession(model.bytes.duplicate().apply { clear() }, options)
            }
        } catch (error: OrtException) {
            throw refusal(model.name, file, error)
        }
        return OnnxSession(model, environment, session, (System.nanoTime() - start) * 1e-6)
    }

    /** ONNX Runtime's refusal, with what the file asks for. */
    private fun refusal(name: String, file: OnnxFile?, error: OrtException): EngineException {
        val said = (error.message ?: "").lineSequence().first()
        val custom = file?.operators.orEmpty().filter { (domain, _) ->
            domain !in STANDARD
        }.joinToString { (domain, type) -> "`$domain.$type`" }
        return when {
            "is under development" in said || "Unsupported model IR version" in said -> EngineException(
                "`$name` needs a newer runtime: opset ${file?.opsets?.get("")}, and ONNX Runtime $version in this " +
                    "app does not know it. Update the app, or export the model with an older opset",
                unsupported = true, cause = error,
            )
            custom.isNotEmpty() -> EngineException(
                "`$name` needs the custom operator $custom, for which this app has no kernel; export the model " +
                    "without it, or build the kernel into the app",
                unsupported = true, cause = error,
            )
            UNKNOWN.any {
                it in said
            } -> EngineException("ONNX Runtime $version cannot run `$name`: $said", unsupported = true, cause = error)
            else -> EngineException("ONNX Runtime $version does not load `$name`: $said", cause = error)
        }
    }

    /**
     * Made by a thread of its own: it reads about the machine with std::regex, whose recursion overflows 1 MB of stack.
     */
    private fun environment(): OrtEnvironment {
        var made: Result<OrtEnvironment>? = null
        Thread(null, {
            made = runCatching { OrtEnvironment.getEnvironment() }
        }, "onnxruntime", STACK_BYTES).apply { start() }.join()
        return made!!.getOrThrow()
    }

    private companion object {
        const val STACK_BYTES = 64L shl 20
        val STANDARD =
            setOf(
                "", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "ai.onnx.training",
                "ai.onnx.preview.training",
            )
        val UNKNOWN = listOf("is not a registered function/op", "Could not find an implementation")
    }
}
