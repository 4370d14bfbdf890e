package dev.edgeexport.interpreter

import dev.edgeexport.core.engine.EngineException
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor as LiteTensor

/** A model in LiteRT's Interpreter; inputs and outputs are bound by the names of its signature, else by their own. */
internal class InterpreterSession(
    private val model: ModelFile,
    private val interpreter: Interpreter,
    private val delegate: Delegate?,
    start: Long,
) : Session {
    override val signature: Signature = model.signature
    override val loadMs: Double
    private val inputs: Map<String, Int>
    private val outputs: Map<String, Int>

    init {
        val key = interpreter.signatureKeys.firstOrNull()
        val given = (0 until interpreter.inputTensorCount).associateBy { interpreter.getInputTensor(it).index() }
        val made = (0 until interpreter.outputTensorCount).associateBy { interpreter.getOutputTensor(it).index() }
        inputs = key?.let {
            interpreter.getSignatureInputs(it).associateWith { name ->
                given.getValue(interpreter.getInputTensorFromSignature(name, it).index())
            }
        }
            ?: given.values.associateBy { interpreter.getInputTensor(it).name() }
        outputs = key?.let {
            interpreter.getSignatureOutputs(it).associateWith { name ->
                made.getValue(interpreter.getOutputTensorFromSignature(name, it).index())
            }
        }
            ?: made.values.associateBy { interpreter.getOutputTensor(it).name() }
        requireNames("inputs", signature.inputs.map { it.name }, inputs.keys)
        requireNames("outputs", signature.outputs.map { it.name }, outputs.keys)
        loadMs = (System.nanoTime() - start) * 1e-6
    }

    override fun run(inputs: Map<String, Tensor>): Map<String, Tensor> {
        try {
            for ((name, value) in inputs) {
                val index = this.inputs.getValue(name)
                val same = interpreter.getInputTensor(index).shape().contentEquals(value.shape)
                if (!same) interpreter.resizeInput(index, value.shape)
            }
            interpreter.allocateTensors()
            val given = arrayOfNulls<Any>(this.inputs.size)
            for ((name, index) in this.inputs) given[index] = native(inputs.getValue(name).bytes)
            val made = outputs.values.associateWith<Int, Any> { buffer(interpreter.getOutputTensor(it).numBytes()) }
            interpreter.runForMultipleInputsOutputs(given, made)
            return outputs.mapValues { (_, index) ->
                tensor(interpreter.getOutputTensor(index), made.getValue(index) as ByteBuffer)
            }
        } catch (error: IllegalArgumentException) {
            throw EngineException("LiteRT cannot run `${model.name}`: ${error.message}", cause = error)
        } catch (error: IllegalStateException) {
            throw EngineException("LiteRT cannot run `${model.name}`: ${error.message}", cause = error)
        }
    }

    override fun close() {
        interpreter.close()
        delegate?.close()
    }

    private fun requireNames(side: String, wanted: List<String>, found: Set<String>) {
        if (wanted.toSet() == found) return
        close()
        throw EngineException(
            "`${model.name}` has the $side $found and the manifest says $wanted; export the bundle again",
        )
    }

    private fun tensor(described: LiteTensor, bytes: ByteBuffer): Tensor {
        val dtype = DType.named(described.dataType().name.lowercase())
            ?: throw EngineException(
                "`${model.name}` gives a tensor of ${described.dataType()}, which this app does not read",
                unsupported = true,
            )
        return Tensor(dtype, described.shape(), bytes)
    }

    private fun native(bytes: ByteBuffer): ByteBuffer =
        buffer(bytes.capacity()).apply { put(bytes.duplicate().apply { clear() }); rewind() }

    private fun buffer(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())
}
