package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.BundleFault
import dev.edgeexport.core.golden.GoldenPack
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

        /** Weights as they lie in the file and as engines repack them, and the tensors of a call twice. */
        internal fun needed(entry: ArtifactEntry, pack: GoldenPack): Long {
            val values = (pack.inputs.values + pack.outputs.values).sumOf { it.bytes.capacity().toLong() / pack.samples }
            return 2 * entry.sizeBytes + 4 * values
        }

        /** The fault, where an artifact needs more than is free. */
        internal fun fault(where: String, entry: ArtifactEntry, pack: GoldenPack, memory: Memory): BundleFault? {
            val free = memory.freeBytes()
            val needed = needed(entry, pack)
            return if (needed > free) BundleFault.TooLittleMemory(where, entry.file, needed, free) else null
        }
    }
}
