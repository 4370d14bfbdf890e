package dev.edgeexport.demo

import android.app.Activity
import android.app.ActivityManager
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf

/** Bundles and phones that are not fit, on every screen: one sentence, and what is fit goes on. */
class BadBundleTest : AppTest() {
    private val fit by lazy {
        app.bundles.bundle!!.artifacts.first { it.format == "tflite" && it.precision == "int8" }.file
    }

    @Test
    fun `a custom operator is named on every screen, and the other artifacts run`() {
        for (format in listOf("tflite", "onnx")) {
            val broken = app.bundles.bundle!!.artifacts.first { it.format == format && it.precision == "fp32" }.file
            val custom = File("../core/src/test/resources/models/custom.$format").readBytes()
            val files = BundleFiles().bytes(broken) { custom }
            take(files.sealed())
            everyScreen(broken, "needs the custom operator `")
            assertEquals("UNSUPPORTED", outcome(broken))
            assertEquals("PASSED", outcome(fit))
        }
    }

    @Test
    fun `a damaged model that somebody vouched for is told on every screen`() {
        val broken = app.bundles.bundle!!.artifacts.first { it.format == "tflite" && it.precision == "fp32" }.file
        take(BundleFiles().bytes(broken) { it.copyOf(it.size / 2) }.sealed())
        everyScreen(broken, "damaged")
        assertEquals("FAILED", outcome(broken))
        assertEquals("PASSED", outcome(fit))
    }

    @Test
    fun `too little memory is told on every screen, and forgotten when there is some`() {
        memory(10_000)
        everyScreen(fit, "of memory and 10 kB are free; close other apps")
        assertEquals("NOT_RUN", outcome(fit))
        memory(4L shl 30)
        everyScreen(fit, "")
        assertEquals("PASSED", outcome(fit))
    }

    /**
     * Goes through the three screens with [artifact] chosen; [words] are read on each, or no fault where they are
     * empty.
     */
    private fun everyScreen(artifact: String, words: String) {
        val check = open<SelfCheckActivity>().get()
        check.tap(R.id.start)
        await("the check") { app.selfCheck.phase == SelfCheckState.Phase.DONE }
        val reasons = app.selfCheck.rows.first { it.cell.artifact == artifact }.cell.reasons
        said(words, reasons)

        val classify = open<ClassifyActivity>().get()
        await("samples") { app.classify.picture != null }
        val choice = app.benchmark.choices.first { it.artifact == artifact }
        app.classify.choose(0, choice)
        await("an answer") { app.classify.sides[0].let { it.answer != null || it.fault.isNotEmpty() } }
        said(words, listOf(app.classify.sides[0].fault))
        shown(classify, words)

        val benchmark = open<BenchmarkActivity>().get()
        app.benchmark.choose(choice)
        benchmark.tap(R.id.start)
        await("the benchmark") { !app.benchmark.running }
        said(words, listOf(app.benchmark.fault))
        shown(benchmark, words)
        assertEquals(words.isEmpty(), app.benchmark.result != null)
    }

    private fun said(words: String, found: List<String>) {
        if (words.isEmpty()) return assertEquals("", found.joinToString())
        assertEquals("one sentence: $found", 1, found.size)
        assertTrue("wanted `$words` in $found", words in found[0])
        assertFalse("$found is more than one line", '\n' in found[0])
    }

    private fun shown(screen: Activity, words: String) =
        assertTrue("`$words` is not on ${screen.javaClass.simpleName}: ${screen.texts()}", screen.texts().any {
            words in it
        })

    private fun outcome(file: String) = app.selfCheck.rows.first { it.cell.artifact == file }.cell.outcome.name

    private fun take(files: BundleFiles) {
        val before = app.bundles.bundle
        app.bundles.open(Origin.Pushed(files.folder(File(app.getExternalFilesDir(null), "b${System.nanoTime()}"))))
        await("the bundle") { app.bundles.bundle !== before || app.bundles.fault.isNotEmpty() }
        assertEquals("", app.bundles.fault)
    }

    private fun memory(bytes: Long) = shadowOf(app.getSystemService(ActivityManager::class.java))
        .setMemoryInfo(ActivityManager.MemoryInfo().apply { availMem = bytes })
}
