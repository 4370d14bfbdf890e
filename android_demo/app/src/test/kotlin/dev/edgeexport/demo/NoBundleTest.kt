package dev.edgeexport.demo

import android.view.View
import dev.edgeexport.core.bundle.FolderSource
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.annotation.Config

/** An app that came without a bundle, and is given bad ones: every screen says why there is nothing to do. */
@Config(application = NoBundleTest.BareApp::class)
class NoBundleTest : AppTest() {
    override fun ready() = app.bundles.empty && app.engines.engines.isNotEmpty()

    @Test
    fun `every screen says that none is open`() = says(app.getString(R.string.none_open))

    @Test
    fun `every screen says what is wrong with the last one`() {
        val bad = mapOf(
            "0 samples" to BundleFiles().pack(BundleFiles::empty).sealed(),
            "NWHC" to BundleFiles().text("manifest.json") { it.replace("\"NCHW\"", "\"NWHC\"") },
            "schema version 99" to BundleFiles().manifest { it.put("schema_version", 99) },
        )
        for ((words, files) in bad) {
            app.bundles.open(Origin.Pushed(files.folder(File(app.getExternalFilesDir(null), words))))
            await("the fault") { words in app.bundles.fault && !app.bundles.opening }
            assertTrue(app.bundles.fault, app.bundles.fault.endsWith(".") && '\n' !in app.bundles.fault)
            assertEquals(null, app.bundles.bundle)
            says(app.bundles.fault)
        }
    }

    private fun says(sentence: String) {
        val check = open<SelfCheckActivity>().get()
        val classify = open<ClassifyActivity>().get()
        val benchmark = open<BenchmarkActivity>().get()
        for (screen in listOf(check, classify, benchmark)) {
            assertEquals("${screen.javaClass.simpleName}: ${screen.texts()}", 1, screen.texts().count {
                it == sentence
            })
        }
        for (screen in listOf(check, benchmark)) assertFalse(screen.findViewById<View>(R.id.start).isEnabled)
    }

    /** The app as it is built without BUNDLE. */
    class BareApp : TestApp() {
        override val bundles by lazy { BundleState(background, Bare(library)) }
    }

    private class Bare(private val phone: Library) : Library by phone {
        override fun source(origin: Origin) =
            if (origin is Origin.Assets) FolderSource(File("/nonexistent")) else phone.source(origin)
    }
}
