package dev.edgeexport.core.bundle

import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.TensorSpec

/** Which output answers with a class; the rule of `class_output` in `pipeline/checks/verdict.py`. */
object Classes {
    /** The output that is called logits, or the only one with a score a class; null where there is none. */
    fun output(signature: Signature): TensorSpec? {
        val outputs = signature.outputs
        return outputs.firstOrNull { it.meaning == "logits" }
            ?: outputs.singleOrNull()?.takeIf { it.shape.size == 2 && it.dtype.isFloat }
    }

    /** How many classes there are, where the file says so. */
    fun count(signature: Signature): Int? = output(signature)?.shape?.lastOrNull()
}
