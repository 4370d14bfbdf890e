package dev.edgeexport.demo

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.Classes
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.image.Pixels
import dev.edgeexport.core.image.Preprocessor
import dev.edgeexport.core.run.Call
import dev.edgeexport.core.run.Memory
import dev.edgeexport.core.run.Quantile
import dev.edgeexport.core.run.Row
import dev.edgeexport.core.tensor.Adapt
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer

/** What a model says of a picture. [top] is empty where the model has no classes. */
class Answer(val top: List<Ranked>, val labels: List<String>, val callMs: Double)

/** Gives pictures to models. Slow, and used by one background thread alone. */
class Classifier(
    private val preprocessor: Preprocessor,
    private val engines: () -> List<Engine>,
    private val memory: Memory,
) {
    private val open = HashMap<Int, Open>()

    private class Open(val bundle: Bundle, val file: String, val runtime: Runtime, val call: Call)

    fun decode(file: ByteBuffer): Pixels = preprocessor.decode(file)

    fun takesPictures(bundle: Bundle) =
        bundle.artifacts.any { it.source.inputs.size == 1 && it.source.inputs[0].name in bundle.manifest.preprocessing }

    /** Real samples of the first pack, of different classes first, a dozen at most. */
    fun samples(bundle: Bundle): List<Picture.Sample> {
        val framework = bundle.manifest.golden.keys.firstOrNull() ?: return emptyList()
        val pack = bundle.golden(framework)
        val real = (0 until pack.samples).filter { !pack.atLimits[it] }
        val ofEach = real.groupBy { pack.label[it] }.filterKeys { it >= 0 }.toSortedMap().values.map { it.first() }
        return (ofEach + real).distinct().take(MOST_SAMPLES).map { Picture.Sample(framework, it) }
    }

    /** The answer of an artifact; its session is kept for the next picture of this [side]. */
    fun classify(side: Int, bundle: Bundle, entry: ArtifactEntry, runtime: Runtime, picture: Picture): Answer {
        val call = call(side, bundle, entry, runtime)
        val inputs = inputs(bundle, entry, picture)
        val outputs = call.run(inputs) // also the warm-up of what is timed
        val output = Classes.output(entry.source)
        val scores = output?.let { outputs.getValue(it.name).toDoubles() }
        val top = if (scores == null) emptyList() else Ranking.top(scores, bundle.labels.size, TOP)
        return Answer(top, bundle.labels, time(call, inputs))
    }

    /** Closes all sessions. */
    fun forget() {
        open.values.forEach { it.call.session.close() }
        open.clear()
    }

    private fun call(side: Int, bundle: Bundle, entry: ArtifactEntry, runtime: Runtime): Call {
        val before = open[side]
        if (before != null && before.bundle === bundle && before.file == entry.file && before.runtime == runtime) {
            return before.call
        }
        open.remove(side)?.call?.session?.close()
        val engine = engines().first { it.name == runtime.engine }
        val device = engine.devices.first { it.name == runtime.device }
        val call = Call(entry, Row(entry, engine, device).open(bundle, memory))
        open[side] = Open(bundle, entry.file, runtime, call)
        return call
    }

    private fun inputs(bundle: Bundle, entry: ArtifactEntry, picture: Picture): Map<String, Tensor> = when (picture) {
        is Picture.Sample -> sample(bundle, entry, picture)
        is Picture.Taken -> {
            val spec = entry.source.inputs.single()
            val rules = bundle.manifest.preprocessing.getValue(spec.name)
            mapOf(spec.name to preprocessor.tensor(picture.pixels, rules, spec))
        }
    }

    /** A sample as this artifact's source model takes it, though it be another framework's. */
    private fun sample(bundle: Bundle, entry: ArtifactEntry, picture: Picture.Sample): Map<String, Tensor> {
        val pack = bundle.golden(picture.framework)
        val sample = pack.sample(picture.index)
        if (picture.framework == entry.framework) return sample
        val given = pack.signature.inputs
        val wanted = entry.source.inputs
        if (wanted.size != 1) return Adapt.all(sample, given, wanted)
        return mapOf(wanted[0].name to Adapt.one(sample.getValue(given[0].name), given[0], wanted[0]))
    }

    /** The median of a few calls; of a slow model one says enough. */
    private fun time(call: Call, inputs: Map<String, Tensor>): Double {
        val ready = call.toFile(inputs)
        val times = mutableListOf<Double>()
        while (times.size < TIMED && times.sum() < ENOUGH_MS) {
            val start = System.nanoTime()
            call.session.run(ready)
            times += (System.nanoTime() - start) * 1e-6
        }
        return Quantile.median(times.toDoubleArray())
    }

    private companion object {
        const val MOST_SAMPLES = 12
        const val TOP = 3
        const val TIMED = 5
        const val ENOUGH_MS = 300.0
    }
}
