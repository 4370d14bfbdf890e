package dev.edgeexport.demo

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.image.Pixels
import java.nio.ByteBuffer

/** What is classified: something that a screen can show and a model can take. */
sealed class Picture {
    /** A sample of the golden pack of [framework]. */
    class Sample(val framework: String, val index: Int) : Picture()

    /** A picture that is upright and opaque already; [name] tells where it is from. */
    class Taken(val pixels: Pixels, val name: String) : Picture()
}

/** One of the two artifacts side by side. */
class Side {
    var choice: Choice? = null
        internal set
    var answer: Answer? = null
        internal set
    var fault = ""
        internal set
}

/**
 * One picture through two artifacts. Sessions are opened and called in the background, and kept while a choice stands.
 */
class ClassifyState(
    private val background: Background,
    private val engines: EngineState,
    private val bundles: BundleState,
    private val classifier: Classifier,
) : Observed() {
    val sides = listOf(Side(), Side())
    var picture: Picture? = null
        private set

    /** Why the last picture was not taken; empty where it was. */
    var fault = ""
        private set

    /** Samples to offer: of the first golden pack, one of each class as far as there are, a dozen at most. */
    var samples: List<Picture.Sample> = emptyList()
        private set

    private var bundle: Bundle? = null
    private var wanted: Int? = null

    init {
        bundles.watch(::follow)
        engines.watch(::follow)
        follow()
    }

    /** Artifacts that run here. */
    val artifacts: List<ArtifactEntry>
        get() = bundle?.artifacts.orEmpty().filter { Runtime.of(it, engines.engines).isNotEmpty() }

    fun entry(side: Int): ArtifactEntry? = bundle?.artifacts?.firstOrNull { it.file == sides[side].choice?.artifact }

    fun runtimes(side: Int): List<Runtime> = entry(side)?.let { Runtime.of(it, engines.engines) }.orEmpty()

    /** Whether a picture of one's own can be given: the models have one input, and the bundle says how to make it. */
    val takesPictures get() = bundle?.let { classifier.takesPictures(it) } ?: false

    fun choose(side: Int, choice: Choice?) {
        sides[side].choice = settle(choice, artifacts, engines.engines, side)
        classify(side)
        changed()
    }

    /** Takes up what an earlier process was asked for, as far as the bundle still has it. */
    fun resume(choices: List<Choice?>, sample: Int?) {
        choices.forEachIndexed { index, choice -> if (choice != null) sides[index].choice = choice }
        wanted = sample
        follow()
    }

    fun show(picture: Picture) {
        this.picture = picture
        fault = ""
        sides.indices.forEach(::classify)
        changed()
    }

    /** Takes a picture file that another app lends; [read] gives its bytes and may throw a sentence. */
    fun take(name: String, read: () -> ByteBuffer) = background.quick({ classifier.decode(read()) }) { result ->
        result.onSuccess { show(Picture.Taken(it, name)) }.onFailure { refuse(sentence(it)) }
    }

    /** Says why there is no picture; the last one stays. */
    fun refuse(why: String) {
        fault = why
        changed()
    }

    private fun classify(side: Int) {
        val one = sides[side]
        one.answer = null
        one.fault = ""
        val bundle = bundle ?: return
        val entry = entry(side) ?: return
        val picture = picture ?: return
        val choice = one.choice ?: return
        background.quick({ classifier.classify(side, bundle, entry, choice.runtime, picture) }) { result ->
            if (this.bundle !== bundle || one.choice != choice || this.picture !== picture) return@quick
            one.answer = result.getOrNull()
            one.fault = result.exceptionOrNull()?.let(::sentence).orEmpty()
            changed()
        }
    }

    /** Another bundle, or engines that are loaded now: choices that still stand stay. */
    private fun follow() {
        val found = bundles.bundle
        if (found !== bundle) {
            bundle = found
            picture = null
            samples = emptyList()
            for (side in sides) side.answer = null
            background.quick({ classifier.forget() }) {}
            if (found != null) offer(found)
        }
        for ((index, side) in sides.withIndex()) {
            val choice = settle(side.choice, artifacts, engines.engines, index)
            if (choice == side.choice) continue
            side.choice = choice
            classify(index)
        }
        changed()
    }

    private fun offer(bundle: Bundle) = background.quick({ classifier.samples(bundle) }) { result ->
        if (this.bundle !== bundle) return@quick
        samples = result.getOrDefault(emptyList())
        if (picture == null) (samples.firstOrNull { it.index == wanted } ?: samples.firstOrNull())?.let(::show)
        wanted = null
        changed()
    }
}
