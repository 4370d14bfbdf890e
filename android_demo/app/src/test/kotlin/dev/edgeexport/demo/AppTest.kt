package dev.edgeexport.demo

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.os.Looper
import android.view.View
import android.widget.TextView
import java.io.File
import java.util.concurrent.Executors
import org.junit.After
import org.junit.Before
import org.junit.Rule
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** What tests of screens share: the app with its bundle open, and ways to use it as a person does. */
@RunWith(AppRunner::class)
@Config(sdk = [35], application = TestApp::class, qualifiers = "w400dp-h800dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
abstract class AppTest {
    @get:Rule
    val mainThread = MainThreadGuard()

    val app get() = RuntimeEnvironment.getApplication() as TestApp

    @Before
    fun appIsReady() = await("the app") { ready() }

    /** Whether the app has started: its bundle is open and its engines are loaded. */
    protected open fun ready() = app.bundles.bundle != null && app.engines.engines.isNotEmpty()

    @After
    fun nothingGoesOn() {
        if (app.gate.isHeldByCurrentThread) app.gate.unlock()
        app.selfCheck.cancel()
        app.benchmark.cancel()
        app.finish()
    }

    /** Lets the main thread work until [condition] holds. */
    fun await(what: String, seconds: Int = PATIENCE_S, condition: () -> Boolean) {
        val end = System.nanoTime() + seconds * 1_000_000_000L
        while (!condition()) {
            idle()
            if (System.nanoTime() > end) throw AssertionError("waited $seconds s for $what; ${doing()}")
            Thread.sleep(2)
        }
        idle()
    }

    /** What went on while a test waited in vain. */
    private fun doing() = "the bundle says `${app.bundles.fault}`; at work:\n" + Thread.getAllStackTraces()
        .filterKeys { it.name == "quick" || it.name == "long" }
        .map { (thread, frames) -> "${thread.name}: ${frames.take(12).joinToString("\n  ")}" }.joinToString("\n")

    /** Does what the main thread must not, as a test's own work. */
    fun <T> aside(work: () -> T): T = Executors.newSingleThreadExecutor().run {
        try {
            submit(work).get()
        } finally {
            shutdown()
        }
    }

    fun idle() = shadowOf(Looper.getMainLooper()).idle()

    inline fun <reified A : Activity> open(intent: Intent? = null): ActivityController<A> =
        Robolectric.buildActivity(A::class.java, intent).setup()

    /** Turns the device, which makes the screen anew. */
    fun <A : Activity> ActivityController<A>.turn(): A {
        RuntimeEnvironment.setQualifiers("+land")
        configurationChange(app.resources.configuration)
        if (!get().window.decorView.isAttachedToWindow) visible()
        idle()
        return get()
    }

    fun Activity.tap(id: Int) {
        val view = findViewById<View>(id)
        check(view.isShown && view.isEnabled) { "nobody can tap ${resources.getResourceEntryName(id)} now" }
        view.performClick()
        idle()
    }

    fun Activity.reads(id: Int) = findViewById<TextView>(id).let { if (it.isShown) it.text.toString() else "" }

    /** Every text that can be read on the screen. */
    fun Activity.texts(): List<String> = views(window.decorView).filterIsInstance<TextView>()
        .filter { it.isShown && it.text.isNotEmpty() }.map { it.text.toString() }

    fun views(root: View): List<View> = listOf(root) + ((root as? android.view.ViewGroup)?.let { group ->
        (0 until group.childCount).flatMap { views(group.getChildAt(it)) }
    }.orEmpty())

    fun drawn(activity: Activity): Bitmap {
        idle()
        val view = activity.window.decorView
        return Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888).also { view.draw(Canvas(it)) }
    }

    /** Writes the picture of a screen to `target/pictures`. */
    fun picture(activity: Activity, name: String) {
        val folder = File("target/pictures").apply { mkdirs() }
        val bitmap = drawn(activity)
        aside { File(folder, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) } }
    }

    private companion object {
        /**
         * A machine that builds something else meanwhile takes its time; one that hangs is told from it by the stacks.
         */
        const val PATIENCE_S = 300
    }
}
