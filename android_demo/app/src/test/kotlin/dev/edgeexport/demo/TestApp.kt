package dev.edgeexport.demo

import android.app.ActivityManager
import android.os.Looper
import android.os.StrictMode
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.tensor.Tensor
import java.util.concurrent.ExecutorService
import java.util.concurrent.TimeUnit
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock
import org.robolectric.Shadows.shadowOf

/** The app with engines that a test can stop in the middle of a run, and that refuse to work on the main thread. */
open class TestApp : DemoApp() {
    /** While a test holds it, no call of a model returns. */
    val gate = ReentrantLock()

    private val executors = mutableListOf<ExecutorService>()

    override fun executor(name: String): ExecutorService = super.executor(name).also { executors += it }

    /** Waits until nothing is done in the background any more: Robolectric takes Android away after a test. */
    fun finish() {
        executors.forEach { it.shutdown() }
        executors.forEach { check(it.awaitTermination(20, TimeUnit.SECONDS)) { "work goes on after the test" } }
    }

    override fun onCreate() {
        val plenty = ActivityManager.MemoryInfo().apply { availMem = 4L shl 30 }
        shadowOf(getSystemService(ActivityManager::class.java)).setMemoryInfo(plenty)
        super.onCreate()
        StrictMode.setThreadPolicy(StrictMode.ThreadPolicy.Builder().detectAll().penaltyLog().penaltyDeath().build())
    }

    override fun loadEngines(): List<Engine> {
        offMain("loading engines")
        return super.loadEngines().map { Watched(it) }
    }

    private inner class Watched(private val engine: Engine) : Engine by engine {
        override fun open(model: ModelFile, device: String, threads: Int): Session {
            offMain("opening a model")
            val session = engine.open(model, device, threads)
            return object : Session by session {
                override fun run(inputs: Map<String, Tensor>): Map<String, Tensor> {
                    offMain("a call of a model")
                    return gate.withLock { session.run(inputs) }
                }
            }
        }
    }

    private fun offMain(what: String) =
        check(Looper.myLooper() != Looper.getMainLooper()) { "$what on the main thread" }
}
