package dev.edgeexport.core.bundle

import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.TensorSpec
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** Reads `manifest.json`. What is missing or of another type is named by its path; a newer schema is refused. */
class ManifestParser(private val where: String) {
    fun parse(text: String): Manifest {
        val root = try {
            JSONObject(text)
        } catch (error: JSONException) {
            throw damaged(error.message ?: "it is no JSON", error)
        }
        val version = root.opt("schema_version") as? Int ?: throw damaged("it has no whole number `schema_version`")
        if (version !in 1..SCHEMA_VERSION) {
            throw BundleException(BundleFault.NewerSchema(where, version, SCHEMA_VERSION))
        }
        return try {
            manifest(root, version)
        } catch (error: JSONException) {
            throw damaged(error.message ?: "a key is missing", error)
        } catch (error: ClassCastException) {
            throw damaged("a value is of another type", error)
        }
    }

    private fun manifest(root: JSONObject, version: Int): Manifest {
        for (key in root.keys()) if (key !in KEYS) throw damaged("unknown key `$key`")
        return Manifest(
            version,
            root.getString("model"),
            objects(root.getJSONArray("artifacts")).map(::artifact),
            root.getJSONObject("preprocessing").let { rows ->
                rows.keys().asSequence().associateWith { imageRules(it, rows.getJSONObject(it)) }
            },
            root.getString("labels"),
            texts(root.getJSONObject("golden")),
            root.getString("gates"),
            if (version < PICTURES_SINCE) emptyList() else objects(root.getJSONArray("pictures")).map(::picture),
            root.getJSONObject("files").let { rows ->
                rows.keys().asSequence().associateWith { record(rows.getJSONObject(it)) }
            },
        )
    }

    private fun record(row: JSONObject): FileRecord {
        val sha256 = row.getString("sha256")
        if (!sha256.matches(SHA256)) throw damaged("`$sha256` is no sha256")
        return FileRecord(sha256, row.getLong("size_bytes"))
    }

    private fun artifact(row: JSONObject) = ArtifactEntry(
        row.getString("file"),
        row.getString("model"),
        row.getString("framework"),
        row.getString("route"),
        row.getString("precision"),
        row.getString("format"),
        row.getString("sha256"),
        row.getLong("size_bytes"),
        signature(row.getJSONObject("signature")),
        signature(row.getJSONObject("source_signature")),
        row.getString("outcome"),
    )

    private fun picture(row: JSONObject) = SourcePicture(
        row.getString("file"),
        row.getString("input"),
        row.getString("tensors"),
        row.getString("array"),
        row.getBoolean("exact"),
    )

    private fun imageRules(input: String, row: JSONObject): ImageRules {
        val rules = ImageRules(
            row.getInt("width"),
            row.getInt("height"),
            row.getString("colour"),
            row.getString("resize"),
            row.getBoolean("keep_aspect"),
            row.getJSONArray("value_range").let { it.getDouble(0)..it.getDouble(1) },
            row.getString("dtype"),
            row.getString("layout"),
        )
        val odd = when {
            rules.width < 1 || rules.height < 1 -> "size ${rules.width} x ${rules.height}"
            rules.colour !in COLOURS -> "colour `${rules.colour}`"
            rules.resize !in RESIZES -> "resize `${rules.resize}`"
            DType.named(rules.dtype) == null -> "dtype `${rules.dtype}`"
            else -> return rules
        }
        throw damaged("preprocessing.$input has the $odd, which this app does not know")
    }

    private fun damaged(what: String, cause: Throwable? = null) =
        BundleException(BundleFault.Manifest(where, what.trimEnd('.')), cause)

    companion object {
        /** The newest schema that this app reads. */
        const val SCHEMA_VERSION = 2
        private const val PICTURES_SINCE = 2
        private val COLOURS = setOf("grey", "rgb")
        private val RESIZES = setOf("bilinear")
        private val SHA256 = Regex("[0-9a-f]{64}")
        private val KEYS = setOf(
            "schema_version", "model", "artifacts", "preprocessing", "labels", "golden", "gates", "pictures", "report",
            "files",
        )

        /** Inputs and outputs as manifests and golden packs write them. */
        fun signature(row: JSONObject) =
            Signature(specs(row.getJSONArray("inputs")), specs(row.getJSONArray("outputs")))

        private fun specs(rows: JSONArray) = objects(rows).map(::spec)

        private fun spec(row: JSONObject): TensorSpec {
            val name = row.getString("name")
            val dtype = row.getString("dtype")
            val shape = row.getJSONArray("shape")
            val limits = row.optJSONArray("limits")
            val layout = row.optString("layout", "")
            if (layout.isNotEmpty() && layout.length != shape.length()) {
                throw JSONException("tensor `$name`: layout $layout does not name its ${shape.length()} axes")
            }
            return TensorSpec(
                name,
                (0 until shape.length()).map { if (shape.isNull(it)) null else size(name, shape.getInt(it)) },
                DType.named(dtype) ?: throw JSONException("tensor `$name` has the unknown dtype `$dtype`"),
                layout,
                if (row.isNull("scale")) null else row.getDouble("scale"),
                if (row.isNull("zero_point")) null else row.getInt("zero_point"),
                row.optString("meaning", ""),
                limits?.let { it.getDouble(0)..it.getDouble(1) },
            )
        }

        private fun size(name: String, axis: Int) =
            if (axis < 0) throw JSONException("tensor `$name` has an axis of $axis") else axis

        internal fun objects(rows: JSONArray) = (0 until rows.length()).map(rows::getJSONObject)

        private fun texts(rows: JSONObject) = rows.keys().asSequence().associateWith(rows::getString)
    }
}
