package dev.edgeexport.core.run

import dev.edgeexport.core.check.Cell
import dev.edgeexport.core.golden.GoldenPack
import dev.edgeexport.core.tensor.Tensor

/** What a long run tells while it goes on, from the thread that it runs in. */
interface Progress {
    /** [done] of [total] steps; [now] says which one begins, in words. */
    fun step(done: Int, total: Int, now: String) {}

    /** A row is finished. */
    fun finished(result: CellResult) {}

    /** Asked between any two calls of a model: true ends the run. */
    fun cancelled(): Boolean = false
}

/** A finished row and its evidence. [worst] is null where nothing ran. */
class CellResult(val cell: Cell, val worst: WorstSample?)

/** The sample on which an artifact is farthest from the reference; each side one call, by name. */
class WorstSample(
    val index: Int,
    val inputs: Map<String, Tensor>,
    val reference: Map<String, Tensor>,
    val got: Map<String, Tensor>,
    val label: Long,
) {
    companion object {
        internal fun of(pack: GoldenPack, got: Map<String, Tensor>, index: Int) = WorstSample(
            index,
            pack.sample(index),
            pack.outputs.mapValues { GoldenPack.slice(it.value, index) },
            got.mapValues { GoldenPack.slice(it.value, index) },
            pack.label[index],
        )
    }
}
