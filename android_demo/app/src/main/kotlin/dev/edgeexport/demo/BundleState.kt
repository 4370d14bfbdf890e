package dev.edgeexport.demo

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.BundleReader

/** Which bundle is open. A bundle that cannot be opened is a sentence, and the last good one stays. */
class BundleState(private val background: Background, private val library: Library) : Observed() {
    /** The open bundle; null while none is. */
    var bundle: Bundle? = null
        private set

    /** Why the last one that was chosen is not open; empty where it is. */
    var fault = ""
        private set

    var opening = false
        private set

    /** Whether the app came without a bundle and none was chosen yet. */
    var empty = false
        private set

    var pushed: List<Origin.Pushed> = emptyList()
        private set

    private var started = false

    /** Opens the last good bundle, once; where that is gone, says so and opens the app's own. */
    fun start() {
        if (started) return
        started = true
        open(library::last) { if (fault.isNotEmpty()) openQuietly(Origin.Assets) }
    }

    fun open(origin: Origin) = open({ origin }) {}

    /** Opens the bundle of an origin that takes time to get, such as a file that another app lends. */
    fun receive(origin: () -> Origin) = open(origin) {}

    /** Looks again for bundles that adb pushed. */
    fun look() = background.quick(library::pushed) { found ->
        pushed = found.getOrDefault(emptyList())
        changed()
    }

    private fun open(origin: () -> Origin, then: () -> Unit) {
        opening = true
        changed()
        background.quick({ read(origin()) }) { result ->
            opening = false
            result.onSuccess(::take).onFailure { fault = sentence(it) }
            changed()
            then()
        }
    }

    /** Opens the app's own bundle and leaves standing what went wrong before. */
    private fun openQuietly(origin: Origin) = background.quick({ read(origin) }) { result ->
        val before = fault
        result.onSuccess(::take)
        fault = before
        changed()
    }

    private fun take(found: Found) {
        fault = ""
        empty = found.bundle == null && bundle == null
        val old = bundle
        if (found.bundle == null) return
        bundle = found.bundle
        background.long({ old?.close() }) {} // after the run that may still read it
    }

    private fun read(origin: Origin): Found = try {
        val source = library.source(origin)
        try {
            if (origin is Origin.Assets && !source.exists(Bundle.MANIFEST)) Found(null)
            else Found(BundleReader.open(source)).also { library.keep(origin) }
        } catch (error: Throwable) {
            source.close()
            throw error
        }
    } catch (error: Throwable) {
        library.drop(origin)
        throw error
    }

    private class Found(val bundle: Bundle?)
}

/** What a user reads when something failed. */
fun sentence(error: Throwable): String = when (error) {
    is OutOfMemoryError -> "There is too little memory for this; close other apps, or take a smaller bundle."
    else -> (error.message ?: error.javaClass.simpleName).let { if (it.endsWith('.')) it else "$it." }
}
