package dev.edgeexport.core.engine

import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.IntPointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.javacpp.PointerPointer
import org.bytedeco.tensorflowlite.BuiltinOpResolver
import org.bytedeco.tensorflowlite.FlatBufferModel
import org.bytedeco.tensorflowlite.Interpreter
import org.bytedeco.tensorflowlite.InterpreterBuilder
import org.bytedeco.tensorflowlite.SignatureRunner
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite as native

/** A model in TensorFlow Lite, its tensors bound by the names of its first signature, else by their own. */
internal class TfLiteSession(private val model: ModelFile, file: TfLiteFile, threads: Int) : Session {
    override val signature: Signature = model.signature
    override val loadMs: Double
    private val bytes = BytePointer(model.bytes)

    /** Its delegates are XNNPACK, as in LiteRT; the C API's own interpreters take none, and are many times slower. */
    private val resolver = BuiltinOpResolver()
    private val loaded: FlatBufferModel?
    private val interpreter = Interpreter(null as Pointer?)
    private val runner: SignatureRunner?
    private val inputs: Map<String, Int>
    private val outputs: Map<String, Int>
    private var shapes = emptyMap<String, List<Int>>()

    init {
        val start = System.nanoTime()
        loaded = FlatBufferModel.VerifyAndBuildFromBuffer(bytes, model.bytes.capacity().toLong())
        try {
            if (loaded == null || loaded.isNull) {
                throw EngineException("TensorFlow Lite cannot read `${model.name}`; it is damaged: copy the bundle " +
                    "again")
            }
            build(loaded, threads)
            runner = file.signatureKey?.let(interpreter::GetSignatureRunner)
            inputs = if (runner == null) places(interpreter.inputs()) else emptyMap()
            outputs = if (runner == null) places(interpreter.outputs()) else emptyMap()
            requireNames()
            resize(signature.inputs.associate { spec -> spec.name to spec.shape.map { it ?: 1 } })
        } catch (error: Throwable) {
            close()
            throw error
        }
        loadMs = (System.nanoTime() - start) * 1e-6
    }

    private fun build(loaded: FlatBufferModel, threads: Int) {
        val builder = InterpreterBuilder(loaded, resolver)
        try {
            builder.SetNumThreads(threads)
            if (builder.apply(interpreter) != 0 || interpreter.isNull) {
                val version = native.TfLiteVersion().getString()
                throw EngineException(
                    "TensorFlow Lite $version refuses `${model.name}`: its operators, or too little memory",
                    unsupported = true,
                )
            }
        } finally {
            builder.close()
        }
    }

    override fun run(inputs: Map<String, Tensor>): Map<String, Tensor> {
        val wanted = signature.inputs.map { it.name }
        if (inputs.keys != wanted.toSet()) {
            throw EngineException("`${model.name}` takes $wanted and is given ${inputs.keys}")
        }
        resize(inputs.mapValues { it.value.shape.toList() })
        for ((name, value) in inputs) {
            val size = value.bytes.capacity().toLong()
            val status = native.TfLiteTensorCopyFromBuffer(input(name), BytePointer(direct(value.bytes)), size)
            checked("take input `$name` of $size bytes", status)
        }
        checked("run", runner?.Invoke() ?: interpreter.Invoke())
        return signature.outputs.associate { it.name to read(output(it.name)!!) }
    }

    /** In the order in which they hold on to each other. */
    override fun close() {
        interpreter.close()
        loaded?.close()
        resolver.close()
    }

    /** Gives every input its shape and allocates, where any of them is not what it was. */
    private fun resize(wanted: Map<String, List<Int>>) {
        if (wanted == shapes) return
        for ((name, shape) in wanted) {
            val sizes = shape.toIntArray()
            val status = runner?.ResizeInputTensor(name, sizes)
                ?: interpreter.ResizeInputTensor(inputs.getValue(name), sizes)
            checked("resize input `$name` to $shape", status)
        }
        checked("make room for its tensors", runner?.AllocateTensors() ?: interpreter.AllocateTensors())
        shapes = wanted
    }

    private fun input(name: String): TfLiteTensor? = when {
        runner != null -> runner.input_tensor(name)
        else -> inputs[name]?.let(interpreter::tensor)
    }

    private fun output(name: String): TfLiteTensor? = when {
        runner != null -> runner.output_tensor(name)
        else -> outputs[name]?.let(interpreter::tensor)
    }

    /** The file's names are the manifest's, on both sides. */
    private fun requireNames() {
        val sides = listOf(
            Triple("inputs", signature.inputs.map {
                it.name
            }, named(runner?.input_names(), runner?.input_size(), inputs)),
            Triple("outputs", signature.outputs.map {
                it.name
            }, named(runner?.output_names(), runner?.output_size(), outputs)),
        )
        for ((side, wanted, found) in sides) {
            if (wanted.toSet() != found.toSet()) {
                throw EngineException("`${model.name}` has the $side $found and the manifest says $wanted; export " +
                    "the bundle again")
            }
        }
    }

    private fun named(names: PointerPointer<*>?, count: Long?, own: Map<String, Int>): List<String> =
        if (names == null || count == null) own.keys.toList() else (0 until count).map(names::getString)

    private fun places(indices: IntPointer): Map<String, Int> = (0 until indices.limit()).associate { place ->
        val index = indices.get(place)
        native.TfLiteTensorName(interpreter.tensor(index)).getString() to index
    }

    private fun read(tensor: TfLiteTensor): Tensor {
        val type = native.TfLiteTensorType(tensor)
        val dtype = TYPES[type]
            ?: throw EngineException("`${model.name}` gives a tensor of type $type, which this app does not " +
                "read", unsupported = true)
        val shape = IntArray(native.TfLiteTensorNumDims(tensor)) { native.TfLiteTensorDim(tensor, it) }
        val size = native.TfLiteTensorByteSize(tensor)
        val copy = ByteBuffer.allocateDirect(size.toInt()).order(ByteOrder.LITTLE_ENDIAN)
        checked("give an output", native.TfLiteTensorCopyToBuffer(tensor, Pointer(copy), size))
        return Tensor(dtype, shape, copy)
    }

    private fun checked(what: String, status: Int) {
        if (status != 0) throw EngineException("TensorFlow Lite cannot $what of `${model.name}` (status $status)")
    }

    private fun direct(bytes: ByteBuffer): ByteBuffer {
        val all = bytes.duplicate().apply { clear() }
        if (all.isDirect) return all
        return ByteBuffer.allocateDirect(all.capacity()).apply { put(all); clear() }
    }

    private companion object {
        /** `TfLiteType` of the C API. */
        val TYPES = mapOf(
            1 to DType.FLOAT32, 2 to DType.INT32, 3 to DType.UINT8, 4 to DType.INT64, 6 to DType.BOOL, 7 to DType.INT16,
            9 to DType.INT8, 10 to DType.FLOAT16, 11 to DType.FLOAT64, 13 to DType.UINT64, 16 to DType.UINT32,
            17 to DType.UINT16,
        )
    }
}
