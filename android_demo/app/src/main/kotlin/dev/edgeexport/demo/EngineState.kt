package dev.edgeexport.demo

import dev.edgeexport.core.engine.Engine

/** The engines of this app. Their libraries are loaded in the background, which takes a moment. */
class EngineState(private val background: Background, load: () -> List<Engine>) : Observed() {
    /**
     * Every engine, those too that cannot run here: they say why. Loads them where they are not yet; not on the main
     * thread.
     */
    val loaded: List<Engine> by lazy(load)

    /** What is loaded so far. */
    var engines: List<Engine> = emptyList()
        private set

    fun start() = background.quick({ loaded }) {
        engines = it.getOrDefault(emptyList())
        changed()
    }
}
