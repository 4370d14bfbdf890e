package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.Classes
import dev.edgeexport.core.bundle.SourcePicture
import dev.edgeexport.core.check.PictureResult
import dev.edgeexport.core.golden.GoldenException
import dev.edgeexport.core.golden.Safetensors
import dev.edgeexport.core.image.ImageException
import dev.edgeexport.core.image.Preprocessor
import dev.edgeexport.core.tensor.Tensor

/** The bundle's pictures through the app's preprocessing, and through the model where it takes nothing else. */
internal class PictureRun(
    private val bundle: Bundle,
    private val artifact: ArtifactEntry,
    private val preprocessor: Preprocessor,
    private val call: Call,
) {
    private val classes = Classes.output(artifact.source)?.name

    fun results(): List<PictureResult> = bundle.manifest.pictures.mapNotNull(::result)

    private fun result(picture: SourcePicture): PictureResult? {
        val spec = artifact.source.inputs.firstOrNull { it.name == picture.input } ?: return null
        val rules = bundle.manifest.preprocessing[picture.input] ?: return null
        return try {
            val name = "${artifact.framework}/${picture.array}"
            val wanted = Safetensors.read(bundle.source.map(picture.tensors))[name]
                ?: throw GoldenException("`${picture.tensors}` has no array `$name`")
            val got = preprocessor.tensor(bundle.source.map(picture.file), rules, spec)
            val range = rules.valueRange.endInclusive - rules.valueRange.start
            val alone = classes != null && artifact.source.inputs.size == 1
            val top1 = if (alone) top1(picture, wanted.to(spec.dtype)) to top1(picture, got) else null
            PictureResult(picture.file, picture.exact, PictureResult.steps(wanted, got, range), top1)
        } catch (error: ImageException) {
            fault(picture, error.message!!)
        } catch (error: GoldenException) {
            fault(picture, error.message!!)
        }
    }

    private fun top1(picture: SourcePicture, input: Tensor): Int {
        val scores = call.run(mapOf(picture.input to input)).getValue(classes!!).toDoubles()
        return scores.indices.maxByOrNull { scores[it] } ?: -1
    }

    private fun fault(picture: SourcePicture, why: String) =
        PictureResult(picture.file, picture.exact, Double.POSITIVE_INFINITY, null, why)
}
