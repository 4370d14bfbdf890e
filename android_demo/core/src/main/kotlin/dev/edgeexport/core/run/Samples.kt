package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.tensor.Adapt
import dev.edgeexport.core.tensor.Tensor

/** A few inputs of the golden pack as a file wants them, adapted before anything is timed. */
internal object Samples {
    private const val DISTINCT = 8

    fun of(bundle: Bundle, row: Row): List<Map<String, Tensor>> {
        val entry = row.artifact
        val pack = bundle.golden(entry.framework)
        return (0 until minOf(pack.samples, DISTINCT)).map {
            Adapt.all(pack.sample(it), entry.source.inputs, entry.signature.inputs)
        }
    }
}
