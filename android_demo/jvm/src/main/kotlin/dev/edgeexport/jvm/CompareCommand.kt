package dev.edgeexport.jvm

import dev.edgeexport.core.check.Gates
import dev.edgeexport.core.check.Latency
import dev.edgeexport.core.check.PairTimings
import dev.edgeexport.core.report.Json
import java.io.File
import org.json.JSONArray
import org.json.JSONObject

/** The app's statistics on times that another language wrote: `gates`, and `cases` of `a`, `b`, `control` by round. */
object CompareCommand {
    fun run(arguments: List<String>): Int {
        val options = Options(arguments, setOf("out"))
        val root = JSONObject(File(options.argument).readText())
        val gate = Gates.parse(root.getJSONObject("gates").toString()).latency
        val cases = root.getJSONObject("cases")
        val told = cases.keys().asSequence().associateWith { name ->
            val case = cases.getJSONObject(name)
            val (a, b, control) = listOf("a", "b", "control").map { rounds(case.getJSONArray(it)) }
            val flat = { rows: List<DoubleArray> -> rows.flatMap { it.toList() }.toDoubleArray() }
            Latency.compare(PairTimings(a, b, control, flat(a), flat(b), case.getDouble("elapsed_s")), gate).metrics()
        }
        File(options.required("out")).writeText(Json.text(told))
        return 0
    }

    private fun rounds(rows: JSONArray) = (0 until rows.length()).map { round ->
        rows.getJSONArray(round).let { row -> DoubleArray(row.length(), row::getDouble) }
    }
}
