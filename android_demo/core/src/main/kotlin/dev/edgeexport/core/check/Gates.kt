package dev.edgeexport.core.check

import org.json.JSONException
import org.json.JSONObject

/** How near an artifact's outputs must be to the reference's; the fields of `[parity.<precision>]`. */
data class ParityGate(
    val minSamples: Int,
    val maxRelRange: Double,
    val minSnrDb: Double,
    val minMovingSnrDb: Double,
    val minCosine: Double,
    val minTop1: Double,
    val maxEdgeShare: Double,
    val atLimits: Boolean,
)

/** How far a runtime may be from the home runtime; what `[kernels.<runtime>]` says of a float output. */
class KernelsGate(val maxRelRange: Double, val minSnrDb: Double)

/** When a difference of time may be called one; the fields of `[latency]`. */
class LatencyGate(val confidence: Double, val minRounds: Int, val equalWithin: Double)

/** How near the app's pixels must be to Python's; the fields of `[pictures]`. */
class PicturesGate(val maxSteps: Double, val minTop1: Double)

/** The tolerances that travel in the bundle as `gates.json`; the app has none of its own. */
class Gates(
    private val precisions: List<String>,
    private val parity: Map<String, ParityGate>,
    private val kernels: Map<String, KernelsGate>,
    val latency: LatencyGate,
    val pictures: PicturesGate,
) {
    /**
     * The gate of an artifact: of its precision, or of what the device computes in where that is coarser; as wide as
     * the runtime's kernels gate where that is wider. The rule of `pipeline/checks/verdict.py` for a device.
     *
     * @param family the runtime's name without its brackets: `android`, `android-jvm`
     * @param arithmetic `fp16` where the device computes a float32 file in that, else empty
     */
    fun parity(precision: String, family: String, arithmetic: String = ""): ParityGate {
        val coarser =
            if (arithmetic.isEmpty()) precision else maxOf(precision, arithmetic, compareBy(precisions::indexOf))
        val gate = parity.getValue(coarser)
        val device = kernels[family] ?: return gate
        return gate.copy(
            maxRelRange = maxOf(gate.maxRelRange, device.maxRelRange),
            minSnrDb = minOf(gate.minSnrDb, device.minSnrDb),
            minMovingSnrDb = minOf(gate.minMovingSnrDb, device.minSnrDb),
        )
    }

    /** Whether a precision can be judged. */
    fun knows(precision: String) = precision in parity

    companion object {
        const val SCHEMA_VERSION = 1

        /** @throws JSONException a key is missing or of another type, with its name */
        fun parse(text: String): Gates {
            val root = JSONObject(text)
            val version = root.getInt("schema_version")
            if (version != SCHEMA_VERSION) {
                throw JSONException("schema version $version, this app reads $SCHEMA_VERSION")
            }
            val gates = root.getJSONObject("gates")
            val precisions = root.getJSONArray("precisions")
            return Gates(
                (0 until precisions.length()).map(precisions::getString),
                tables(gates.getJSONObject("parity"), ::parityGate),
                tables(gates.getJSONObject("kernels")) {
                    KernelsGate(number(it, "max_rel_range"), number(it, "min_snr_db"))
                },
                gates.getJSONObject("latency").let {
                    LatencyGate(number(it, "confidence"), it.getInt("min_rounds"), number(it, "equal_within"))
                },
                gates.getJSONObject("pictures").let { PicturesGate(number(it, "max_steps"), number(it, "min_top1")) },
            )
        }

        private fun parityGate(table: JSONObject) = ParityGate(
            table.getInt("min_samples"),
            number(table, "max_rel_range"),
            number(table, "min_snr_db"),
            number(table, "min_moving_snr_db"),
            number(table, "min_cosine"),
            number(table, "min_top1"),
            number(table, "max_edge_share"),
            table.getBoolean("at_limits"),
        )

        private fun <G> tables(rows: JSONObject, gate: (JSONObject) -> G): Map<String, G> =
            rows.keys().asSequence().associateWith { gate(rows.getJSONObject(it)) }

        private fun number(table: JSONObject, name: String): Double {
            val value = table.getDouble(name)
            if (!value.isFinite() || value < 0) {
                throw JSONException("$name is $value: it must be zero or more, and finite")
            }
            return value
        }
    }
}
