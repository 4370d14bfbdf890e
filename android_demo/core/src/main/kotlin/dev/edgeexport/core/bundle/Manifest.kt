package dev.edgeexport.core.bundle

import dev.edgeexport.core.tensor.Signature

/** `manifest.json`, as docs/bundle.md describes it. Paths are relative to the bundle, with forward slashes. */
class Manifest(
    val schemaVersion: Int,
    val model: String,
    val artifacts: List<ArtifactEntry>,
    val preprocessing: Map<String, ImageRules>,
    val labels: String,
    val golden: Map<String, String>,
    val gates: String,
    val pictures: List<SourcePicture>,
    val files: Map<String, FileRecord>,
)

class FileRecord(val sha256: String, val sizeBytes: Long)

/**
 * A model file of the bundle. [signature] is its own, [source] that of the source model, whose layout the golden pack
 * has.
 */
class ArtifactEntry(
    val file: String,
    val model: String,
    val framework: String,
    val route: String,
    val precision: String,
    val format: String,
    val sha256: String,
    val sizeBytes: Long,
    val signature: Signature,
    val source: Signature,
    val outcome: String,
)

/** How to make one image input from a picture; docs/bundle.md, "From a picture to the input". */
class ImageRules(
    val width: Int,
    val height: Int,
    val colour: String,
    val resize: String,
    val keepAspect: Boolean,
    val valueRange: ClosedFloatingPointRange<Double>,
    val dtype: String,
    val layout: String,
)

/**
 * A picture of the bundle, and the array of the safetensors file [tensors] that Python made of it for one input.
 *
 * [exact]: decoded without loss and not resized, so that every value has to be equal.
 */
class SourcePicture(val file: String, val input: String, val tensors: String, val array: String, val exact: Boolean)
