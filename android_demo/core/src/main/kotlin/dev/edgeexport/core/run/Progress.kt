package dev.edgeexport.core.run

import dev.edgeexport.core.check.Cell

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

/** The sample on which an artifact is farthest from the reference. Values are in C order, by output name. */
class WorstSample(
    val index: Int,
    val inputs: Map<String, dev.edgeexport.core.tensor.Tensor>,
    val reference: Map<String, dev.edgeexport.core.tensor.Tensor>,
    val got: Map<String, dev.edgeexport.core.tensor.Tensor>,
    val label: Long,
)
