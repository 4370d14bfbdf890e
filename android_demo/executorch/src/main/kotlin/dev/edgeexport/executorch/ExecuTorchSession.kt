package dev.edgeexport.executorch

import dev.edgeexport.core.engine.EngineException
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.pytorch.executorch.DType as TorchType
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor as TorchTensor

/** A program in ExecuTorch. A program knows no names: values go in and come out in the manifest's order. */
internal class ExecuTorchSession(
    private val model: ModelFile,
    private val module: Module,
    private val file: File,
    override val loadMs: Double,
) : Session {
    override val signature: Signature = model.signature

    override fun run(inputs: Map<String, Tensor>): Map<String, Tensor> {
        val given = signature.inputs.map { EValue.from(torch(inputs.getValue(it.name))) }
        val made = try {
            module.forward(*given.toTypedArray())
        } catch (error: RuntimeException) {
            throw EngineException("ExecuTorch cannot run `${model.name}`: ${error.message}", cause = error)
        }
        if (made.size != signature.outputs.size) {
            val wanted = signature.outputs.size
            throw EngineException(
                "`${model.name}` gives ${made.size} values and the manifest says $wanted; export the bundle again",
            )
        }
        return signature.outputs.zip(made).associate { (spec, value) -> spec.name to ours(value.toTensor()) }
    }

    override fun close() {
        module.destroy()
        file.delete()
    }

    private fun torch(value: Tensor): TorchTensor {
        val shape = LongArray(value.shape.size) { value.shape[it].toLong() }
        val bytes = ByteBuffer.allocateDirect(value.bytes.capacity()).order(ByteOrder.nativeOrder())
        bytes.put(value.bytes.duplicate().apply { clear() }).rewind()
        return when (value.dtype) {
            DType.FLOAT32 -> TorchTensor.fromBlob(bytes.asFloatBuffer(), shape)
            DType.INT64 -> TorchTensor.fromBlob(bytes.asLongBuffer(), shape)
            DType.INT32 -> TorchTensor.fromBlob(bytes.asIntBuffer(), shape)
            DType.INT8 -> TorchTensor.fromBlob(bytes, shape)
            DType.UINT8 -> TorchTensor.fromBlobUnsigned(bytes, shape)
            else -> throw EngineException("ExecuTorch takes no ${value.dtype.label} from Java", unsupported = true)
        }
    }

    private fun ours(value: TorchTensor): Tensor {
        val shape = IntArray(value.shape().size) { value.shape()[it].toInt() }
        val dtype = TYPES[value.dtype()]
            ?: throw EngineException(
                "`${model.name}` gives a tensor of ${value.dtype()}, which this app does not read", unsupported = true,
            )
        return Tensor.zeros(dtype, shape).also { made ->
            when (dtype) {
                DType.FLOAT32 -> made.bytes.asFloatBuffer().put(value.dataAsFloatArray)
                DType.INT64 -> made.bytes.asLongBuffer().put(value.dataAsLongArray)
                DType.INT32 -> made.bytes.asIntBuffer().put(value.dataAsIntArray)
                DType.INT8 -> made.bytes.duplicate().put(value.dataAsByteArray)
                else -> made.bytes.duplicate().put(value.dataAsUnsignedByteArray)
            }
        }
    }

    private companion object {
        val TYPES = mapOf(
            TorchType.FLOAT to DType.FLOAT32, TorchType.INT64 to DType.INT64, TorchType.INT32 to DType.INT32,
            TorchType.INT8 to DType.INT8, TorchType.UINT8 to DType.UINT8,
        )
    }
}
