package dev.edgeexport.core.engine

import dev.edgeexport.core.tensor.Signature
import dev.edgeexport.core.tensor.Tensor
import java.nio.ByteBuffer

/** What runs models: one library on the devices that it reaches. */
interface Engine {
    /** `tflite`, `tflite-interpreter`, `onnxruntime`; part of a runtime's name in reports. */
    val name: String

    /** The library's version; empty where it cannot be asked. */
    val version: String

    /** Formats as the manifest names them. */
    val formats: Set<String>

    val devices: List<EngineDevice>

    /** Why nothing can run here and what would change that; empty where it can. */
    val missing: String

    /**
     * A loaded model.
     *
     * @param device the name of one of [devices]
     * @throws EngineException with a sentence: an operator that is not known, a newer version, not enough memory
     */
    fun open(model: ModelFile, device: String = devices.first().name, threads: Int = 1): Session
}

/**
 * A device of an engine; [missing] says why it cannot be used here, empty where it can. [arithmetic] is what it
 * computes
 * a float32 file in, where that is not float32: `fp16`.
 */
class EngineDevice(val name: String, val missing: String = "", val arithmetic: String = "")

/** A model file: its [bytes] are direct, and stay readable while a session is open. [signature] is the manifest's. */
class ModelFile(val name: String, val format: String, val bytes: ByteBuffer, val signature: Signature)

/** A loaded model. Not thread safe; used by one thread at a time. */
interface Session : AutoCloseable {
    /** The file's own inputs and outputs. */
    val signature: Signature

    /** Milliseconds that opening took. */
    val loadMs: Double

    /**
     * One call, in the file's own layout and types, by name. The tensors returned are the caller's.
     *
     * @throws EngineException where the call fails
     */
    fun run(inputs: Map<String, Tensor>): Map<String, Tensor>

    override fun close()
}

/** What an engine says that it cannot do. [unsupported]: the file asks for what this engine does not have. */
class EngineException(message: String, val unsupported: Boolean = false, cause: Throwable? = null) :
    Exception(message, cause)
