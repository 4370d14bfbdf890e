package dev.edgeexport.core.run

import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.EngineDevice

/**
 * What the runtimes of a report are named by: `android[Pixel 8,tflite]`.
 *
 * [family] names the gates; [host] is the phone or JVM; [emulated] says what makes its seconds say nothing of a phone,
 * empty where it is one.
 */
class Place(val family: String, val host: String = "", val emulated: String = "") {
    fun runtime(engine: Engine?, device: EngineDevice?): String {
        val inside = listOfNotNull(host.ifEmpty { null }, engine?.name, device?.name?.takeIf { it != "cpu" })
        return if (inside.isEmpty()) family else "$family[${inside.joinToString(",")}]"
    }
}
