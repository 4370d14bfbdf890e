package dev.edgeexport.core.run

import dev.edgeexport.core.tensor.AdaptException
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Stacked samples that went through a session, one call each, in order from a fresh state. */
class StackedRun private constructor(val outputs: Map<String, Tensor>, private val callMs: DoubleArray) {
    /** Times of a call, reading the outputs included; the first one apart. */
    fun metrics(): Map<String, Any?> {
        val later = if (callMs.size > 1) callMs.copyOfRange(1, callMs.size) else callMs
        return mapOf(
            "latency_ms_p50" to Quantile.of(later, 0.5),
            "latency_ms_p90" to Quantile.of(later, 0.9),
            "first_ms" to callMs[0],
            "calls" to callMs.size,
        )
    }

    companion object {
        /**
         * [samples] calls of what [input] gives for each place, in the source model's layout; null where it was
         * cancelled.
         */
        fun of(
            samples: Int,
            input: (Int) -> Map<String, Tensor>,
            call: Call,
            progress: Progress = object : Progress {},
        ): StackedRun? {
            val times = DoubleArray(samples)
            val stacks = LinkedHashMap<String, Stack>()
            for (i in 0 until samples) {
                if (progress.cancelled()) return null
                val sample = call.toFile(input(i))
                val start = System.nanoTime()
                val given = call.session.run(sample)
                times[i] = (System.nanoTime() - start) * 1e-6
                for ((name, value) in call.toSource(given)) stacks.getOrPut(name) {
                    Stack(value, samples)
                }.add(i, value)
            }
            return StackedRun(stacks.mapValues { it.value.tensor }, times)
        }
    }

    /** One output of all samples. */
    private class Stack(first: Tensor, samples: Int) {
        private val bytes = ByteBuffer.allocate(samples * first.bytes.capacity()).order(ByteOrder.LITTLE_ENDIAN)
        val tensor = Tensor(first.dtype, intArrayOf(samples) + first.shape, bytes)

        fun add(sample: Int, value: Tensor) {
            val shape = tensor.shape.copyOfRange(1, tensor.shape.size)
            if (!value.shape.contentEquals(shape)) {
                throw AdaptException("an output is ${value.shape.contentToString()} for sample $sample and " +
                    "${shape.contentToString()} for the first: what depends on values cannot be compared")
            }
            val place = bytes.duplicate()
            place.position(sample * value.bytes.capacity())
            place.put(value.bytes.duplicate().apply { clear() })
        }
    }
}
