package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.BundleException
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.EngineDevice
import dev.edgeexport.core.engine.Session

/** An artifact on an engine's device; without an engine where none opens such files. */
class Row(val artifact: ArtifactEntry, val engine: Engine?, val device: EngineDevice?) {
    /**
     * The artifact as a loaded model, where there is an engine.
     *
     * @throws BundleException too little memory is free
     * @throws dev.edgeexport.core.engine.EngineException as the engine's `open`
     */
    fun open(bundle: Bundle, memory: Memory, threads: Int = 1): Session {
        Memory.fault(bundle.where, artifact, bundle.golden(artifact.framework), memory)?.let {
            throw BundleException(it)
        }
        return engine!!.open(bundle.model(artifact), device!!.name, threads)
    }
}
