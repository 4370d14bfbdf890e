package dev.edgeexport.interpreter

import android.system.Os
import android.system.OsConstants
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.EngineDevice
import dev.edgeexport.core.engine.EngineException
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.Session
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory

/** LiteRT's Interpreter, `org.tensorflow.lite`, on the CPU and by its GPU delegate. */
class InterpreterEngine : Engine {
    override val name = "litert-interpreter"
    override val formats = setOf("tflite")
    override val version: String
    override val missing: String
    override val devices: List<EngineDevice>

    init {
        var found = ""
        missing = try {
            TensorFlowLite.init()
            found = TensorFlowLite.runtimeVersion()
            ""
        } catch (error: LinkageError) {
            whyNot(error)
        }
        version = found
        devices = listOf(EngineDevice(CPU), EngineDevice(GPU, if (missing.isEmpty()) noGpu() else missing))
    }

    override fun open(model: ModelFile, device: String, threads: Int): Session {
        if (missing.isNotEmpty()) throw EngineException(missing)
        val start = System.nanoTime()
        val delegate = if (device == GPU) gpu() else null
        val options = Interpreter.Options().apply {
            if (delegate == null) setNumThreads(threads) else addDelegate(delegate)
        }
        val interpreter = try {
            Interpreter(model.bytes.duplicate().apply { clear() }, options)
        } catch (error: IllegalArgumentException) { // how it tells of an operator, a version or a delegate
            delegate?.close()
            val words = "LiteRT $version on the $device refuses `${model.name}`: ${error.message}"
            throw EngineException(words, unsupported = true, cause = error)
        }
        return InterpreterSession(model, interpreter, delegate, start)
    }

    /**
     * In float32 where the file is: what a delegate does with less is the gates' to judge, by a runtime that says so.
     */
    private fun gpu(): Delegate = GpuDelegate(GpuDelegateFactory.Options().setPrecisionLossAllowed(false))

    private fun noGpu(): String = try {
        val supported = CompatibilityList().use { it.isDelegateSupportedOnThisDevice }
        if (supported) "" else "the GPU delegate does not support this phone's GPU"
    } catch (error: LinkageError) {
        whyNot(error)
    }

    private fun whyNot(error: LinkageError): String {
        val page = Os.sysconf(OsConstants._SC_PAGESIZE)
        if (page > FOUR_KB) {
            return "this phone has memory pages of ${page / 1024} KB, and LiteRT's libraries in this build are made " +
                "for 4 KB; the engine `tflite` runs here"
        }
        return "LiteRT's library is not here (${error.message}); make apk GPU=1, or the Gradle build, brings it"
    }

    private companion object {
        const val CPU = "cpu"
        const val GPU = "gpu"
        const val FOUR_KB = 4096L
    }
}
