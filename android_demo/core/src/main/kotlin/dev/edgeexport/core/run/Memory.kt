package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.BundleFault
import dev.edgeexport.core.golden.GoldenPack
import dev.edgeexport.core.tensor.TensorSpec
import java.io.File

/** How much memory is free for a model, in bytes; Android's ActivityManager knows better than this. */
fun interface Memory {
    fun freeBytes(): Long

    companion object {
        /** What Linux calls available; no limit where it does not say. */
        val OF_SYSTEM = Memory {
            val lines = try {
                File("/proc/meminfo").readLines()
            } catch (error: java.io.IOException) {
                emptyList()
            }
            lines.firstOrNull { it.startsWith("MemAvailable:") }?.filter(Char::isDigit)?.toLongOrNull()?.times(1024)
                ?: Long.MAX_VALUE
        }

        /**
         * Weights as they lie in the file and as engines repack them, a call's tensors twice, and what the manifest
         * says of them.
         */
        internal fun needed(entry: ArtifactEntry, pack: GoldenPack): Long {
            val call = pack.sample(0).values.sumOf { it.bytes.capacity().toLong() } +
                pack.outputs.values.sumOf { it.bytes.capacity().toLong() / pack.samples }
            val own = (entry.signature.inputs + entry.signature.outputs).map(::bytes)
            return (own + listOf(2 * entry.sizeBytes, 4 * call)).fold(0L, ::sum)
        }

        /** Of one call, every open axis taken as 1. */
        private fun bytes(spec: TensorSpec) = spec.shape.fold(spec.dtype.bytes.toLong()) { bytes, axis ->
            val size = (axis ?: 1).toLong()
            if (size > 0 && bytes > Long.MAX_VALUE / size) Long.MAX_VALUE else bytes * size
        }

        private fun sum(one: Long, other: Long) = if (one > Long.MAX_VALUE - other) Long.MAX_VALUE else one + other

        /** The fault, where an artifact needs more than is free. */
        internal fun fault(where: String, entry: ArtifactEntry, pack: GoldenPack, memory: Memory): BundleFault? {
            val free = memory.freeBytes()
            val needed = needed(entry, pack)
            return if (needed > free) BundleFault.TooLittleMemory(where, entry.file, needed, free) else null
        }
    }
}
