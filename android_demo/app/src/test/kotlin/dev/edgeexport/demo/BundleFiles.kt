package dev.edgeexport.demo

import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import org.json.JSONObject

/** The test bundle's files, to be changed, sealed with new checksums or not, and packed. */
class BundleFiles {
    val files: MutableMap<String, ByteArray> = FOLDER.walk().filter { it.isFile }
        .associateTo(sortedMapOf()) { it.relativeTo(FOLDER).path to it.readBytes() }

    val golden = "golden/torch.safetensors"

    fun text(name: String, change: (String) -> String) = apply {
        files[name] = change(String(files.getValue(name))).toByteArray()
    }

    fun bytes(name: String, change: (ByteArray) -> ByteArray) =
        apply { files[name] = change(files.getValue(name).copyOf()) }

    fun manifest(change: (JSONObject) -> Unit) = text("manifest.json") { JSONObject(it).also(change).toString() }

    /** Writes what each file is now into the manifest, as somebody would who makes a bundle by hand. */
    fun sealed() = manifest { manifest ->
        val records = manifest.getJSONObject("files")
        for (name in records.keys().asSequence().toList()) {
            val data = files.getValue(name)
            records.getJSONObject(name).put("sha256", sha256(data)).put("size_bytes", data.size)
        }
        val artifacts = manifest.getJSONArray("artifacts")
        for (i in 0 until artifacts.length()) {
            val artifact = artifacts.getJSONObject(i)
            files[artifact.getString("file")]?.let { artifact.put("sha256", sha256(it)).put("size_bytes", it.size) }
        }
    }

    /** The golden pack with another header and other values. */
    fun pack(change: (JSONObject, ByteBuffer) -> Unit) = bytes(golden) { data ->
        val buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)
        val length = buffer.getLong(0).toInt()
        val header = JSONObject(String(data, 8, length))
        buffer.position(8 + length)
        val values = buffer.slice().order(ByteOrder.LITTLE_ENDIAN)
        change(header, values)
        val text = header.toString().toByteArray()
        val rest = ByteArray(values.limit()).also { values.position(0); values.get(it) }
        ByteBuffer.allocate(8 + text.size + rest.size).order(ByteOrder.LITTLE_ENDIAN).putLong(text.size.toLong()).put(text).put(rest).array()
    }

    fun zip(): ByteArray = zip(files)

    fun folder(place: File) =
        place.also { for ((name, data) in files) File(it, name).apply { parentFile!!.mkdirs() }.writeBytes(data) }

    companion object {
        val FOLDER = File("src/test/assets/bundle")

        fun zip(files: Map<String, ByteArray>): ByteArray {
            val bytes = ByteArrayOutputStream()
            ZipOutputStream(bytes).use { zip ->
                for ((name, data) in files) {
                    zip.putNextEntry(ZipEntry(name))
                    zip.write(data)
                }
            }
            return bytes.toByteArray()
        }

        /** A .zip that says of its only file that it unpacks to almost 4 GB. */
        fun bomb(): ByteArray {
            val bytes = zip(mapOf("manifest.json" to ByteArray(100)))
            val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
            val directory = (0 until bytes.size - 4).last { buffer.getInt(it) == 0x02014b50 }
            buffer.putInt(directory + 24, 0xfffffffe.toInt())
            return bytes
        }

        /** Leaves a golden pack without samples; for [pack]. */
        fun empty(header: JSONObject, values: ByteBuffer) {
            for (name in header.keys().asSequence().filter { it != "__metadata__" }) {
                header.getJSONObject(name).getJSONArray("shape").put(0, 0)
                header.getJSONObject(name).getJSONArray("data_offsets").put(0, 0).put(1, 0)
            }
            values.limit(0)
        }

        fun sha256(data: ByteArray) =
            MessageDigest.getInstance("SHA-256").digest(data).joinToString("") { "%02x".format(it) }
    }
}
