package dev.edgeexport.demo

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.engine.Engine

/** An artifact on a device of an engine that can open it: what a user chooses. */
data class Choice(val artifact: String, val runtime: Runtime) {
    /** As words that outlive the process. */
    val words get() = arrayOf(artifact, runtime.engine, runtime.device)

    companion object {
        fun of(words: Array<String>) = Choice(words[0], Runtime(words[1], words[2]))
    }
}

data class Runtime(val engine: String, val device: String) {
    /** `tflite · cpu`. */
    val title get() = "$engine$DOT$device"

    companion object {
        /** Where an artifact can run here. */
        fun of(artifact: ArtifactEntry, engines: List<Engine>): List<Runtime> = engines
            .filter { artifact.format in it.formats && it.missing.isEmpty() }
            .flatMap { engine -> engine.devices.filter { it.missing.isEmpty() }.map { Runtime(engine.name, it.name) } }
    }
}

/**
 * [choice] where it can still be had; else the same artifact elsewhere, or the first that runs; null where none does.
 */
fun settle(choice: Choice?, artifacts: List<ArtifactEntry>, engines: List<Engine>, first: Int = 0): Choice? {
    val able = artifacts.map { it to Runtime.of(it, engines) }.filter { it.second.isNotEmpty() }
    if (able.isEmpty()) return null
    val (artifact, runtimes) =
        able.firstOrNull { it.first.file == choice?.artifact } ?: able[first.coerceAtMost(able.size - 1)]
    return Choice(artifact.file, choice?.runtime?.takeIf { it in runtimes } ?: runtimes.first())
}
