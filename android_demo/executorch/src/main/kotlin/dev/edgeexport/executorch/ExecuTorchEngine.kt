package dev.edgeexport.executorch

import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.EngineDevice
import dev.edgeexport.core.engine.EngineException
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.Session
import java.io.File
import java.io.FileOutputStream
import org.pytorch.executorch.Module

/** ExecuTorch's programs, `.pte`, on the CPU by XNNPACK and the portable kernels. */
class ExecuTorchEngine : Engine {
    override val name = "executorch"
    override val version = ""
    override val formats = setOf("executorch")
    override val devices = listOf(EngineDevice("cpu"))
    override val missing: String = try {
        Class.forName(Module::class.java.name)
        ""
    } catch (error: LinkageError) {
        "ExecuTorch's library is not here (${error.message}); the Gradle build brings it, in the flavour executorch"
    }

    override fun open(model: ModelFile, device: String, threads: Int): Session {
        if (missing.isNotEmpty()) throw EngineException(missing)
        val start = System.nanoTime()
        val file = File.createTempFile("edge-export-", ".pte") // it opens paths only
        try {
            FileOutputStream(file).use { it.channel.write(model.bytes.duplicate().apply { clear() }) }
            val module = Module.load(file.path, Module.LOAD_MODE_MMAP, threads)
            module.loadMethod("forward")
            return ExecuTorchSession(model, module, file, (System.nanoTime() - start) * 1e-6)
        } catch (error: RuntimeException) { // its own exception is one, and says operator and code
            file.delete()
            val words = "ExecuTorch refuses `${model.name}`: ${error.message}"
            throw EngineException(words, unsupported = true, cause = error)
        }
    }
}
