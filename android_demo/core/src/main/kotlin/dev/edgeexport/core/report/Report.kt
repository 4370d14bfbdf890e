package dev.edgeexport.core.report

import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.check.Cell
import dev.edgeexport.core.check.Check
import dev.edgeexport.core.check.Outcome
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/** A self-check as the report's own JSON; `docs/report_schema.md` describes it, and edge-export reads it back. */
class Report(
    private val bundle: Bundle,
    private val cells: List<Cell>,
    private val environment: Map<String, String>,
    private val notes: List<String> = emptyList(),
    private val timingsS: Map<String, Double> = emptyMap(),
) {
    val outcome get() = Outcome.worst(cells.map { it.outcome })

    fun json(): String = Json.text(document())

    /** The document as maps and lists. */
    fun document(): Map<String, Any?> = linkedMapOf(
        "schema_version" to SCHEMA_VERSION,
        "outcome" to outcome.name,
        "counts" to Outcome.values().associate { one -> one.name to cells.count { it.outcome == one } },
        "title" to "self-check: ${bundle.manifest.model}",
        "created" to created(),
        "command" to "self-check",
        "environment" to environment,
        "gates" to emptyMap<String, Any?>(),
        "models" to emptyList<Any?>(),
        "artifacts" to bundle.artifacts.map {
            linkedMapOf(
                "file" to it.file, "model" to it.model, "framework" to it.framework, "route" to it.route,
                "precision" to it.precision, "format" to it.format, "size_bytes" to it.sizeBytes, "sha256" to it.sha256,
                "producer" to "",
            )
        },
        "cells" to cells.map(::cell),
        "flips" to emptyList<Any?>(),
        "notes" to notes,
        "timings_s" to timingsS,
        "drifts" to emptyList<Any?>(),
        "choices" to emptyList<Any?>(),
    )

    companion object {
        const val SCHEMA_VERSION = 3

        private fun created(): String = SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ssXXX", Locale.ROOT)
            .apply { timeZone = TimeZone.getTimeZone("UTC") }.format(Date())

        /** One cell as the report has it. */
        fun cell(cell: Cell): Map<String, Any?> = linkedMapOf(
            "id" to cell.id, "model" to cell.model, "framework" to cell.framework, "route" to cell.route,
            "precision" to cell.precision, "runtime" to cell.runtime, "target" to cell.target,
            "artifact" to cell.artifact,
            "outcome" to cell.outcome.name, "reasons" to cell.reasons, "metrics" to cell.metrics,
            "checks" to cell.checks.map(::check),
        )

        fun check(check: Check): Map<String, Any?> = linkedMapOf(
            "name" to check.name, "outcome" to check.outcome.name, "required" to check.required,
            "reasons" to check.reasons, "metrics" to check.metrics,
        )
    }
}
