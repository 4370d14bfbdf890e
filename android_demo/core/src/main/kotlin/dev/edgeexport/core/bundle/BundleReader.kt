package dev.edgeexport.core.bundle

import dev.edgeexport.core.check.Gates
import dev.edgeexport.core.golden.GoldenException
import dev.edgeexport.core.golden.GoldenPack
import dev.edgeexport.core.tensor.DType
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.security.MessageDigest
import org.json.JSONException

/** Opens bundles and trusts nothing in them before it is checked. */
object BundleReader {
    private const val LARGEST_TEXT = 64L shl 20
    private const val GATES_JSON = "gates.json"

    /**
     * The bundle of a source, every file verified against the manifest.
     *
     * @param progress told the share of bytes verified, 0..1
     * @throws BundleException the first fault, as a sentence; [source] is left open
     */
    fun open(source: BundleSource, progress: (Double) -> Unit = {}): Bundle = try {
        read(source, progress)
    } catch (error: IOException) {
        throw BundleException(BundleFault.NotReadable(source.where, error.message ?: error.javaClass.simpleName), error)
    }

    private fun read(source: BundleSource, progress: (Double) -> Unit): Bundle {
        if (!source.exists(Bundle.MANIFEST)) throw BundleException(BundleFault.NoBundle(source.where))
        val manifest = ManifestParser(source.where).parse(text(source, Bundle.MANIFEST))
        verify(source, manifest, progress)
        references(source, manifest)
        val labels = if (manifest.labels.isEmpty()) emptyList() else lines(text(source, manifest.labels))
        labelsFit(source, manifest, labels)
        val packs = manifest.golden.mapValues { (_, name) -> golden(source, name) }
        for (entry in manifest.artifacts) packFits(source, manifest, entry, packs)
        return Bundle(source, manifest, labels, gates(source, manifest), packs)
    }

    private fun verify(source: BundleSource, manifest: Manifest, progress: (Double) -> Unit) {
        val total = maxOf(manifest.files.values.sumOf { it.sizeBytes }, 1)
        var done = 0L
        for ((name, record) in manifest.files) {
            if (!staysInside(name)) throw BundleException(BundleFault.LeadsOut(source.where, name))
            if (!source.exists(name)) throw BundleException(BundleFault.Missing(source.where, name))
            val size = source.size(name)
            if (size != record.sizeBytes) {
                throw BundleException(BundleFault.WrongSize(source.where, name, size, record.sizeBytes))
            }
            if (source.open(name).use(::sha256) != record.sha256) {
                throw BundleException(BundleFault.Changed(source.where, name))
            }
            done += size
            progress(done.toDouble() / total)
        }
    }

    /** Every file that the manifest speaks of is among those that were verified; a folder's files are its own. */
    private fun references(source: BundleSource, manifest: Manifest) {
        val named = manifest.golden.values + listOf(manifest.gates, manifest.labels) + manifest.pictures.flatMap {
            listOf(it.file, it.tensors)
        }
        for (name in named.filter { it.isNotEmpty() }) {
            if (name !in manifest.files) throw BundleException(BundleFault.NotVouchedFor(source.where, name))
        }
        for (entry in manifest.artifacts) {
            val record = manifest.files[entry.file]
            if (record == null && manifest.files.keys.none { it.startsWith(entry.file + "/") }) {
                throw BundleException(BundleFault.NotVouchedFor(source.where, entry.file))
            }
            if (record != null && record.sha256 != entry.sha256) {
                val what = "`${entry.file}` is vouched for with two different sha256"
                throw BundleException(BundleFault.Manifest(source.where, what))
            }
        }
    }

    private fun lines(text: String): List<String> = if (text.isEmpty()) emptyList() else text.trimEnd('\n').lines()

    private fun labelsFit(source: BundleSource, manifest: Manifest, labels: List<String>) {
        if (manifest.labels.isEmpty()) return
        for (entry in manifest.artifacts) {
            val classes = Classes.count(entry.source) ?: continue
            if (classes != labels.size && !(classes == 1 && labels.size == 2)) {
                throw BundleException(BundleFault.Labels(source.where, labels.size, classes))
            }
        }
    }

    private fun golden(source: BundleSource, name: String): GoldenPack = try {
        GoldenPack.read(source.map(name))
    } catch (error: GoldenException) {
        throw BundleException(BundleFault.Golden(source.where, name, error.message!!), error)
    }

    /** An artifact has a pack, and that pack's tensors are the source model's. */
    private fun packFits(
        source: BundleSource,
        manifest: Manifest,
        entry: ArtifactEntry,
        packs: Map<String, GoldenPack>
    ) {
        val pack = packs[entry.framework]
            ?: throw BundleException(BundleFault.Manifest(source.where, "`${entry.file}` is of ${entry.framework}, " +
                "which has no golden pack"))
        val sides = listOf(
            Triple("input", pack.signature.inputs, entry.source.inputs),
            Triple("output", pack.signature.outputs, entry.source.outputs),
        )
        for ((side, found, wanted) in sides) {
            val names = found.map { it.name }.toSet()
            val other = wanted.map { it.name }.toSet()
            if (names != other) {
                throw unfit(source, manifest, entry, "it has the ${side}s $names and `${entry.file}` $other")
            }
            for (spec in wanted) {
                val have = found.first { it.name == spec.name }
                val axes = have.layout != spec.layout || have.shape.size != spec.shape.size
                if (axes || have.dtype != spec.dtype) {
                    throw unfit(source, manifest, entry, "its $side is $have and that of `${entry.file}` is $spec")
                }
            }
        }
    }

    private fun unfit(source: BundleSource, manifest: Manifest, entry: ArtifactEntry, what: String) =
        BundleException(BundleFault.Golden(source.where, manifest.golden.getValue(entry.framework), what))

    private fun gates(source: BundleSource, manifest: Manifest): Gates {
        val name = if (manifest.gates.endsWith(".json")) manifest.gates else GATES_JSON
        if (name !in manifest.files) {
            val what = "there is no $GATES_JSON, as bundles of schema 1 have none"
            throw BundleException(BundleFault.Gates(source.where, what))
        }
        val gates = try {
            Gates.parse(text(source, name))
        } catch (error: JSONException) {
            throw BundleException(BundleFault.Gates(source.where, "$name: ${error.message?.trimEnd('.')}"), error)
        }
        for (entry in manifest.artifacts) {
            if (!gates.knows(entry.precision)) {
                throw BundleException(BundleFault.Gates(source.where, "$name has no tolerances for ${entry.precision}"))
            }
        }
        return gates
    }

    private fun text(source: BundleSource, name: String): String {
        val size = source.size(name)
        if (size > LARGEST_TEXT) throw BundleException(BundleFault.TooLarge(source.where, name, size, LARGEST_TEXT))
        return try {
            source.open(name).use { it.readBytes() }.toString(Charsets.UTF_8)
        } catch (error: FileNotFoundException) {
            throw BundleException(BundleFault.Missing(source.where, name), error)
        }
    }

    private fun sha256(stream: InputStream): String {
        val digest = MessageDigest.getInstance("SHA-256")
        val piece = ByteArray(1 shl 16)
        while (true) {
            val count = stream.read(piece)
            if (count < 0) break
            digest.update(piece, 0, count)
        }
        return digest.digest().joinToString("") { "%02x".format(it) }
    }
}
