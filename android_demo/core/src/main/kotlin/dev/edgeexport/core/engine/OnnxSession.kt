package dev.edgeexport.core.engine

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession
import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A model in ONNX Runtime; inputs and outputs bound by name. */
internal class OnnxSession(
    private val model: ModelFile,
    private val environment: OrtEnvironment,
    private val session: OrtSession,
    override val loadMs: Double,
) : Session {
    override val signature: Signature = model.signature
    private val outputs = signature.outputs.map { it.name }.toSet()

    init {
        val sides = listOf(
            Triple("inputs", signature.inputs.map { it.name }.toSet(), session.inputNames),
            Triple("outputs", outputs, session.outputNames),
        )
        for ((side, wanted, found) in sides) {
            if (wanted != found) {
                session.close()
                throw EngineException("`${model.name}` has the $side $found and the manifest says $wanted; export " +
                    "the bundle again")
            }
        }
    }

    override fun run(inputs: Map<String, Tensor>): Map<String, Tensor> {
        val given = LinkedHashMap<String, OnnxTensor>()
        try {
            for ((name, value) in inputs) given[name] = tensor(value)
            return session.run(given, outputs).use { result ->
                outputs.associateWith { read(it, result.get(it).get() as OnnxTensor) }
            }
        } catch (error: OrtException) {
            throw EngineException("ONNX Runtime cannot run `${model.name}`: ${error.message}", cause = error)
        } finally {
            given.values.forEach { it.close() }
        }
    }

    override fun close() = session.close()

    private fun tensor(value: Tensor): OnnxTensor {
        val type = TYPES[value.dtype]
            ?: throw EngineException("ONNX Runtime takes no ${value.dtype.label} from Java", unsupported = true)
        val shape = LongArray(value.shape.size) { value.shape[it].toLong() }
        val bytes = value.bytes.duplicate().order(ByteOrder.nativeOrder()).apply { clear() }
        return OnnxTensor.createTensor(environment, bytes, shape, type)
    }

    private fun read(name: String, value: OnnxTensor): Tensor {
        val type = value.info.type
        val dtype = TYPES.entries.firstOrNull { it.value == type }?.key
            ?: throw EngineException("output `$name` of `${model.name}` is of type $type, which this app does not " +
                "read", unsupported = true)
        val bytes = value.byteBuffer
        val copy = ByteBuffer.allocateDirect(bytes.remaining()).order(ByteOrder.LITTLE_ENDIAN)
        copy.put(bytes)
        return Tensor(dtype, IntArray(value.info.shape.size) { value.info.shape[it].toInt() }, copy)
    }

    private companion object {
        val TYPES = mapOf(
            DType.FLOAT32 to OnnxJavaType.FLOAT, DType.FLOAT64 to OnnxJavaType.DOUBLE,
            DType.FLOAT16 to OnnxJavaType.FLOAT16,
            DType.INT8 to OnnxJavaType.INT8, DType.UINT8 to OnnxJavaType.UINT8, DType.INT16 to OnnxJavaType.INT16,
            DType.INT32 to OnnxJavaType.INT32, DType.INT64 to OnnxJavaType.INT64, DType.BOOL to OnnxJavaType.BOOL,
        )
    }
}
