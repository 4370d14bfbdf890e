package dev.edgeexport.core.engine

import dev.edgeexport.core.tensor.DType
import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.TfLiteInterpreter
import org.bytedeco.tensorflowlite.TfLiteModel
import org.bytedeco.tensorflowlite.TfLiteSignatureRunner
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite as native

/** A model in TensorFlow Lite's C API, its tensors bound by the names of its first signature, else by their own. */
internal class TfLiteSession(private val model: ModelFile, file: TfLiteFile, threads: Int) : Session {
    override val signature: Signature = model.signature
    override val loadMs: Double
    private val bytes = BytePointer(model.bytes)
    private var loaded: TfLiteModel? = null
    private var interpreter: TfLiteInterpreter? = null
    private val runner: TfLiteSignatureRunner?
    private var shapes = emptyMap<String, List<Int>>()

    init {
        val start = System.nanoTime()
        try {
            val loaded = native.TfLiteModelCreate(bytes, model.bytes.capacity().toLong())
                ?: throw EngineException("TensorFlow Lite cannot read `${model.name}`; it is damaged: copy the bundle again")
            this.loaded = loaded
            val interpreter = create(loaded, threads)
            this.interpreter = interpreter
            runner = file.signatureKey?.let { native.TfLiteInterpreterGetSignatureRunner(interpreter, it) }
            requireNames("inputs", signature.inputs.map { it.name }, names(inputs = true))
            requireNames("outputs", signature.outputs.map { it.name }, names(inputs = false))
            resize(signature.inputs.associate { spec -> spec.name to spec.shape.map { it ?: 1 } })
        } catch (error: Throwable) {
            release()
            throw error
        }
        loadMs = (System.nanoTime() - start) * 1e-6
    }

    private fun create(loaded: TfLiteModel, threads: Int): TfLiteInterpreter {
        val options = native.TfLiteInterpreterOptionsCreate()
        try {
            native.TfLiteInterpreterOptionsSetNumThreads(options, threads)
            return native.TfLiteInterpreterCreate(loaded, options)
                ?: throw EngineException("TensorFlow Lite ${native.TfLiteVersion().getString()} refuses `${model.name}`: its operators, or too little memory", unsupported = true)
        } finally {
            native.TfLiteInterpreterOptionsDelete(options)
        }
    }

    override fun run(inputs: Map<String, Tensor>): Map<String, Tensor> {
        requireNames("inputs", signature.inputs.map { it.name }, inputs.keys.toList())
        resize(inputs.mapValues { it.value.shape.toList() })
        for ((name, value) in inputs) {
            val target = input(name)
            val from = BytePointer(direct(value.bytes))
            checked("take input `$name` of ${value.bytes.capacity()} bytes", native.TfLiteTensorCopyFromBuffer(target, from, value.bytes.capacity().toLong()))
        }
        checked("run", runner?.let(native::TfLiteSignatureRunnerInvoke) ?: native.TfLiteInterpreterInvoke(interpreter))
        return signature.outputs.associate { it.name to read(output(it.name)) }
    }

    override fun close() = release()

    private fun release() {
        runner?.let(native::TfLiteSignatureRunnerDelete)
        interpreter?.let(native::TfLiteInterpreterDelete)
        loaded?.let(native::TfLiteModelDelete)
        interpreter = null
        loaded = null
    }

    /** Gives every input its shape and allocates, where any of them is not what it was. */
    private fun resize(wanted: Map<String, List<Int>>) {
        if (wanted == shapes) return
        for ((name, shape) in wanted) {
            val sizes = shape.toIntArray()
            val status = if (runner != null) {
                native.TfLiteSignatureRunnerResizeInputTensor(runner, name, sizes, sizes.size)
            } else {
                native.TfLiteInterpreterResizeInputTensor(interpreter, names(inputs = true).indexOf(name), sizes, sizes.size)
            }
            checked("resize input `$name` to $shape", status)
        }
        val allocated = runner?.let(native::TfLiteSignatureRunnerAllocateTensors) ?: native.TfLiteInterpreterAllocateTensors(interpreter)
        checked("make room for its tensors", allocated)
        shapes = wanted
    }

    private fun names(inputs: Boolean): List<String> = when {
        runner != null && inputs -> (0 until native.TfLiteSignatureRunnerGetInputCount(runner).toInt())
            .map { native.TfLiteSignatureRunnerGetInputName(runner, it).getString() }
        runner != null -> (0 until native.TfLiteSignatureRunnerGetOutputCount(runner).toInt())
            .map { native.TfLiteSignatureRunnerGetOutputName(runner, it).getString() }
        inputs -> (0 until native.TfLiteInterpreterGetInputTensorCount(interpreter))
            .map { native.TfLiteTensorName(native.TfLiteInterpreterGetInputTensor(interpreter, it)).getString() }
        else -> (0 until native.TfLiteInterpreterGetOutputTensorCount(interpreter))
            .map { native.TfLiteTensorName(native.TfLiteInterpreterGetOutputTensor(interpreter, it)).getString() }
    }

    private fun input(name: String): TfLiteTensor = when {
        runner != null -> native.TfLiteSignatureRunnerGetInputTensor(runner, name)
        else -> native.TfLiteInterpreterGetInputTensor(interpreter, names(inputs = true).indexOf(name))
    }

    private fun output(name: String): TfLiteTensor = when {
        runner != null -> native.TfLiteSignatureRunnerGetOutputTensor(runner, name)
        else -> native.TfLiteInterpreterGetOutputTensor(interpreter, names(inputs = false).indexOf(name))
    }

    private fun read(tensor: TfLiteTensor): Tensor {
        val type = native.TfLiteTensorType(tensor)
        val dtype = TYPES[type] ?: throw EngineException("`${model.name}` gives a tensor of type $type, which this app does not read", unsupported = true)
        val shape = IntArray(native.TfLiteTensorNumDims(tensor)) { native.TfLiteTensorDim(tensor, it) }
        val size = native.TfLiteTensorByteSize(tensor)
        val copy = ByteBuffer.allocateDirect(size.toInt()).order(ByteOrder.LITTLE_ENDIAN)
        checked("give an output", native.TfLiteTensorCopyToBuffer(tensor, Pointer(copy), size))
        return Tensor(dtype, shape, copy)
    }

    private fun requireNames(side: String, wanted: List<String>, found: List<String>) {
        if (wanted.toSet() != found.toSet()) {
            throw EngineException("`${model.name}` has the $side $found and the manifest says $wanted; export the bundle again")
        }
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
            9 to DType.INT8, 10 to DType.FLOAT16, 11 to DType.FLOAT64, 13 to DType.UINT64, 16 to DType.UINT32, 17 to DType.UINT16,
        )
    }
}
