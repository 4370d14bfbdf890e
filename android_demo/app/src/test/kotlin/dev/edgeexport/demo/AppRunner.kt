package dev.edgeexport.demo

import org.bytedeco.javacpp.Loader
import org.bytedeco.tensorflowlite.global.tensorflowlite
import org.junit.runners.model.FrameworkMethod
import org.robolectric.RobolectricTestRunner
import org.robolectric.internal.bytecode.InstrumentationConfiguration

/** Robolectric as every test of the app wants it, so that one sandbox serves them all. */
class AppRunner(test: Class<*>) : RobolectricTestRunner(test) {
    init { // before Robolectric loads its own, and by one thread
        Loader.load(tensorflowlite::class.java)
    }

    /** Native libraries are loaded once a process, so their classes are the JVM's own. */
    override fun createClassLoaderConfig(method: FrameworkMethod): InstrumentationConfiguration =
        InstrumentationConfiguration.Builder(super.createClassLoaderConfig(method))
            .doNotAcquirePackage("org.bytedeco.")
            .doNotAcquirePackage("ai.onnxruntime.")
            .build()
}
