package dev.edgeexport.demo

/** State that screens draw. It is touched on the main thread only, and outlives any screen. */
abstract class Observed {
    private val watchers = mutableListOf<() -> Unit>()

    fun watch(watcher: () -> Unit) {
        watchers += watcher
    }

    fun unwatch(watcher: () -> Unit) {
        watchers -= watcher
    }

    protected fun changed() = watchers.toList().forEach { it() }
}
