package dev.edgeexport.core.run

import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.tensor.Adapt
import dev.edgeexport.core.tensor.Tensor

/** A session that takes and gives values in the source model's layout and as real numbers. */
class Call(private val artifact: ArtifactEntry, val session: Session) {
    /** One call. */
    fun run(inputs: Map<String, Tensor>): Map<String, Tensor> = toSource(session.run(toFile(inputs)))

    /** The inputs as the file wants them. */
    fun toFile(inputs: Map<String, Tensor>) = Adapt.all(inputs, artifact.source.inputs, artifact.signature.inputs)

    /** The file's outputs as the source model gives them. */
    fun toSource(outputs: Map<String, Tensor>) = Adapt.all(outputs, artifact.signature.outputs, artifact.source.outputs)
}
