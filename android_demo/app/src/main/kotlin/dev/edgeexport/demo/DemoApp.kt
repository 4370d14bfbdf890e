package dev.edgeexport.demo

import android.app.ActivityManager
import android.app.Application
import android.content.pm.ApplicationInfo
import android.os.Handler
import android.os.Looper
import android.os.StrictMode
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.OnnxEngine
import dev.edgeexport.core.engine.TfLiteEngine
import dev.edgeexport.core.image.Preprocessor
import dev.edgeexport.core.run.Memory
import java.util.ServiceLoader
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

/** Holds the state that outlives the screens: a run goes on while a screen is rotated, left or closed. */
open class DemoApp : Application() {
    val library by lazy { PhoneLibrary(this) }
    val phone by lazy { Phone(this) }
    val preprocessor = Preprocessor(BitmapDecoder)
    val engines by lazy { EngineState(background, ::loadEngines) }
    open val bundles by lazy { BundleState(background, library) }
    val check by lazy { PhoneCheck(this) }
    val selfCheck by lazy { SelfCheckState(background, bundles) { bundle, progress -> check.run(bundle, progress) } }
    val headless by lazy {
        HeadlessState(background, library, { listOfNotNull(filesDir, getExternalFilesDir(null)) }, check::run)
    }
    val classify by lazy {
        ClassifyState(background, engines, bundles, Classifier(preprocessor, engines::loaded, memory))
    }
    val benchmark by lazy {
        BenchmarkState(background, engines, bundles, phone::describe, phone::nativeHeapBytes, memory)
    }

    val background by lazy {
        val handler = Handler(Looper.getMainLooper())
        Background(executor("quick"), executor("long")) { handler.post(it) }
    }

    /** What is free before Android ends apps to make room. */
    val memory = Memory {
        val info = ActivityManager.MemoryInfo()
        getSystemService(ActivityManager::class.java).getMemoryInfo(info)
        maxOf(0, info.availMem - info.threshold)
    }

    override fun onCreate() {
        super.onCreate()
        if (applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0) {
            StrictMode.setThreadPolicy(StrictMode.ThreadPolicy.Builder().detectAll().penaltyLog().build())
        }
        engines.start()
        bundles.start()
    }

    /** Every engine of the app, those too that cannot run here: they say why. A build may bring more as services. */
    protected open fun loadEngines(): List<Engine> =
        listOf(TfLiteEngine(), OnnxEngine()) + ServiceLoader.load(Engine::class.java, Engine::class.java.classLoader)

    protected open fun executor(name: String): ExecutorService = Executors.newSingleThreadExecutor { Thread(it, name) }
}
