package dev.edgeexport.jvm

import dev.edgeexport.core.bundle.ManifestParser
import dev.edgeexport.core.check.Gates
import dev.edgeexport.core.check.Parity
import dev.edgeexport.core.report.Json
import dev.edgeexport.core.report.Report
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Tensor
import java.io.File
import java.nio.ByteBuffer
import java.util.Base64
import org.json.JSONArray
import org.json.JSONObject

/**
 * The app's verdicts on numbers that another language wrote, so that the two can be laid side by side.
 *
 * The cases are JSON: `gates` as in `gates.json`, and `cases`, each with `name`, `precision`, `outputs` (specs),
 * `reference` and `got` (by name: dtype, shape, base64) and `at_limits`.
 */
object JudgeCommand {
    fun run(arguments: List<String>): Int {
        val options = Options(arguments, setOf("out"))
        val root = JSONObject(File(options.argument).readText())
        val gates = Gates.parse(root.getJSONObject("gates").toString())
        val cases = root.getJSONArray("cases")
        val verdicts = (0 until cases.length()).associate { index ->
            val case = cases.getJSONObject(index)
            val sides = JSONObject().put("inputs", JSONArray()).put("outputs", case.getJSONArray("outputs"))
            val specs = ManifestParser.signature(sides).outputs
            val limits = case.getJSONArray("at_limits")
            val check = Parity.check(
                tensors(case.getJSONObject("reference")),
                tensors(case.getJSONObject("got")),
                specs,
                gates.parity(case.getString("precision"), case.getString("family"), case.getString("arithmetic")),
                BooleanArray(limits.length(), limits::getBoolean),
            )
            case.getString("name") to Report.check(check)
        }
        File(options.required("out")).writeText(Json.text(verdicts))
        return 0
    }

    private fun tensors(rows: JSONObject): Map<String, Tensor> =
        rows.keys().asSequence().sorted().associateWith { name ->
            val row = rows.getJSONObject(name)
            val shape = row.getJSONArray("shape")
            val bytes = ByteBuffer.wrap(Base64.getDecoder().decode(row.getString("bytes")))
            Tensor(DType.named(row.getString("dtype"))!!, IntArray(shape.length(), shape::getInt), bytes)
        }
}
