package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.BundleException
import dev.edgeexport.core.check.Cell
import dev.edgeexport.core.check.Check
import dev.edgeexport.core.check.Outcome
import dev.edgeexport.core.check.Parity
import dev.edgeexport.core.check.Pictures
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.EngineException
import dev.edgeexport.core.image.Preprocessor
import dev.edgeexport.core.tensor.AdaptException
import dev.edgeexport.core.tensor.Tensor

/** The golden pack through every artifact, engine and device; the verdict by the gates of the bundle. */
class SelfCheck(
    private val bundle: Bundle,
    private val engines: List<Engine>,
    private val place: Place,
    private val preprocessor: Preprocessor? = null,
    private val threads: Int = 1,
    private val memory: Memory = Memory.OF_SYSTEM,
    /** Told the outputs of every row that ran, (samples, *shape) by name. */
    private val outputs: (Cell, Map<String, Tensor>) -> Unit = { _, _ -> },
) {
    /** Every row, those that cannot run here too. */
    val rows: List<Row> = bundle.artifacts.flatMap { entry ->
        val fit = engines.filter {
            entry.format in it.formats
        }.flatMap { engine -> engine.devices.map { Row(entry, engine, it) } }
        fit.ifEmpty { listOf(Row(entry, null, null)) }
    }

    /** A result for every row, in order; those not reached before [progress] cancelled are left out. */
    fun run(progress: Progress = object : Progress {}): List<CellResult> {
        val results = mutableListOf<CellResult>()
        for ((done, row) in rows.withIndex()) {
            if (progress.cancelled()) break
            progress.step(done, rows.size, "${row.artifact.file} on ${place.runtime(row.engine, row.device)}")
            val result = check(row, progress) ?: break
            results += result
            progress.finished(result)
        }
        progress.step(results.size, rows.size, "")
        return results
    }

    /** One row; null where it was cancelled. */
    fun check(row: Row, progress: Progress = object : Progress {}): CellResult? {
        unable(row)?.let { return unrun(row, Outcome.NOT_RUN, it) }
        return try {
            row.open(bundle, memory, threads).use { session ->
                val call = Call(row.artifact, session)
                val pack = bundle.golden(row.artifact.framework)
                val golden = StackedRun.of(pack.samples, pack::sample, call, progress) ?: return null
                judged(row, call, golden)
            }
        } catch (error: BundleException) { // too little memory
            unrun(row, Outcome.NOT_RUN, error.message!!)
        } catch (error: EngineException) {
            unrun(row, if (error.unsupported) Outcome.UNSUPPORTED else Outcome.FAILED, error.message!!)
        } catch (error: AdaptException) {
            unrun(row, Outcome.FAILED, error.message!!)
        } catch (error: OutOfMemoryError) {
            unrun(row, Outcome.CRASHED, "the memory did not suffice for `${row.artifact.file}`: close other apps, or " +
                "take a smaller precision")
        }
    }

    /** Why a row cannot run here, or empty. */
    private fun unable(row: Row): String? {
        val engine = row.engine ?: return "no engine of this app opens ${row.artifact.format} files; " +
            "${ELSEWHERE[row.artifact.format] ?: "another runtime does"}"
        if (engine.missing.isNotEmpty()) return engine.missing
        return row.device!!.missing.ifEmpty { null }
    }

    private fun judged(row: Row, call: Call, run: StackedRun): CellResult {
        val entry = row.artifact
        val pack = bundle.golden(entry.framework)
        val gate = bundle.gates.parity(entry.precision, place.family, row.device!!.arithmetic)
        val parity = Parity.check(pack.outputs, run.outputs, entry.source.outputs, gate, pack.atLimits)
        val pictures =
            preprocessor?.let { Pictures.check(PictureRun(bundle, entry, it, call).results(), bundle.gates.pictures) }
        val cell = cell(row, listOfNotNull(parity, pictures, latency(call, run)))
        outputs(cell, run.outputs)
        val worst = (parity.metrics["worst_sample"] as? Int)?.let { pack.realIndex(it, gate.atLimits) }
        return CellResult(cell, worst?.let { WorstSample.of(pack, run.outputs, it) })
    }

    /** What a call took; told, never judged. */
    private fun latency(call: Call, run: StackedRun): Check {
        val metrics = run.metrics() + mapOf("load_ms" to call.session.loadMs, "threads" to threads)
        if (place.emulated.isEmpty()) return Check("latency", Outcome.PASSED, metrics = metrics, required = false)
        val reason = "${place.emulated} stands in for a phone: its seconds say nothing of one, and are not judged"
        return Check("latency", Outcome.NOT_RUN, listOf(reason), metrics, required = false)
    }

    private fun unrun(row: Row, outcome: Outcome, reason: String) =
        CellResult(cell(row, listOf(Check("parity", outcome, listOf(reason)))), null)

    private fun cell(row: Row, checks: List<Check>): Cell {
        val entry = row.artifact
        val runtime = place.runtime(row.engine, row.device)
        return Cell(
            entry.model, entry.framework, entry.route, entry.precision, runtime, entry.format, entry.file, checks,
        )
    }

    private companion object {
        val ELSEWHERE = mapOf(
            "executorch" to "the Gradle build of the app brings ExecuTorch",
            "coreml" to "Core ML runs on iOS and macOS",
            "torchscript" to "TorchScript runs in Python here: edge-export validate",
        )
    }
}
