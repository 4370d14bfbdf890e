package dev.edgeexport.core.check

/**
 * One question asked of a cell. [reasons] says in words why it is not PASSED. [metrics] are Double, Long, Int, String,
 * Boolean or null; their names carry units.
 */
class Check(
    val name: String,
    val outcome: Outcome,
    val reasons: List<String> = emptyList(),
    val metrics: Map<String, Any?> = emptyMap(),
    val required: Boolean = true,
) {
    init {
        require(outcome == Outcome.PASSED || reasons.isNotEmpty()) { "check $name: $outcome needs a reason" }
    }
}

/** (model, route, precision, runtime) and what became of it; a row of the report. */
class Cell(
    val model: String,
    val framework: String,
    val route: String,
    val precision: String,
    val runtime: String,
    val target: String,
    val artifact: String,
    val checks: List<Check>,
) {
    val id get() = "${model}_${framework}_${route}_$precision@$runtime"
    val outcome get() = Outcome.worst(checks.filter { it.required }.map { it.outcome })

    /** Every reason of every required check that did not pass, the worst first. */
    val reasons
        get() = checks.filter { it.required && it.outcome != Outcome.PASSED }
            .sortedByDescending { it.outcome }
            .flatMap { check -> check.reasons.map { "${check.name}: $it" } }

    /** All metrics as `<check>.<metric>`. */
    val metrics
        get() = checks.flatMap { check ->
            check.metrics.map { (name, value) -> "${check.name}.$name" to value }
        }.toMap()

    fun metric(name: String): Double? = (metrics[name] as? Number)?.toDouble()
}
