package dev.edgeexport.demo

import android.app.Activity
import android.app.AlertDialog
import android.content.Intent
import android.net.Uri
import java.io.ByteArrayInputStream
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowAlertDialog

class HomeTest : AppTest() {
    private val home by lazy { open<HomeActivity>().get() }
    private val own by lazy { app.bundles.bundle!! }

    @Test
    fun `it shows the app's own bundle and every engine`() {
        assertEquals("fashion-small", home.reads(R.id.bundle_name))
        assertTrue(home.reads(R.id.bundle_summary), "10 classes" in home.reads(R.id.bundle_summary))
        assertEquals("", home.reads(R.id.fault))
        val texts = home.texts()
        for (engine in app.engines.engines) assertTrue(engine.name, texts.any { it.startsWith(engine.name) })
        for (artifact in own.artifacts) assertTrue(artifact.file, texts.any { artifact.file in it })
    }

    @Test
    fun `a chosen zip is opened, and is the one to come back to`() {
        choose(BundleFiles().manifest { it.put("model", "another") }.zip())
        await("the .zip") { home.reads(R.id.bundle_name) == "another" }
        assertEquals("chosen:bundle.zip", aside { app.library.last().key })
        choose(BundleFiles().zip())
        await("the next .zip") { home.reads(R.id.bundle_name) == "fashion-small" }
        assertEquals("", home.reads(R.id.fault))
    }

    @Test
    fun `a bundle that adb pushed is offered and opened`() {
        BundleFiles().manifest { it.put("model", "pushed") }.folder(File(app.getExternalFilesDir(null), "from-adb"))
        app.bundles.look()
        await("the folder") { app.bundles.pushed.isNotEmpty() }
        home.tap(R.id.open_other)
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        assertEquals("from-adb", dialog.listView.adapter.getItem(1))
        shadowOf(dialog).clickOnItem(1)
        await("the pushed bundle") { home.reads(R.id.bundle_name) == "pushed" }
    }

    @Test
    fun `each fault is one sentence, and the last good bundle stays`() {
        val before = own
        val pack = BundleFiles().golden
        val cases = mapOf(
            "sha256 differs" to BundleFiles().apply {
                bytes(files.keys.first { it.endsWith(".tflite") }) { it.apply { this[size / 2]++ } }
            }.zip(),
            "lacks the file `labels.txt`" to BundleFiles().apply { files -= "labels.txt" }.zip(),
            "1001 labels for 10 classes" to BundleFiles().text("labels.txt") {
                (1..1001).joinToString("\n")
            }.sealed().zip(),
            "NaN" to BundleFiles().pack { header, values ->
                val output = header.keys().asSequence().first { it.startsWith("output/") }
                values.putFloat(header.getJSONObject(output).getJSONArray("data_offsets").getInt(0), Float.NaN)
            }.sealed().zip(),
            "0 samples" to BundleFiles().pack(BundleFiles::empty).sealed().zip(),
            pack to BundleFiles().text("manifest.json") { it.replace("\"NCHW\"", "\"NWHC\"") }.zip(),
            "schema version 99" to BundleFiles().manifest { it.put("schema_version", 99) }.zip(),
            "empty .zip" to BundleFiles.zip(emptyMap()),
            "leads out" to BundleFiles.zip(mapOf("../evil" to ByteArray(1))),
            "unpacks to" to BundleFiles.bomb(),
            "cannot be read" to ByteArray(1000) { it.toByte() },
            "no manifest.json" to BundleFiles.zip(mapOf("readme" to ByteArray(1))),
        )
        for ((words, zip) in cases) {
            choose(zip)
            await("the fault of $words") { !app.bundles.opening }
            val said = home.reads(R.id.fault).lines()
            assertTrue("wanted `$words` in $said", words in said[0])
            assertTrue("$said is no sentence", said[0].endsWith(".") && said[0].first().let {
                it.isUpperCase() || it == '`' || it.isLetter()
            })
            assertEquals(getString(R.string.stays, "fashion-small"), said[1])
            assertSame(before, app.bundles.bundle)
            assertTrue(home.findViewById<android.view.View>(R.id.task_check).isEnabled)
        }
        assertEquals("assets", aside { app.library.last().key })
        assertTrue("rubbish stays", app.cacheDir.resolve("incoming.zip").length() == 0L)
    }

    private fun getString(id: Int, vararg words: Any) = home.getString(id, *words)

    /** Chooses a .zip in the system's picker. */
    private fun choose(zip: ByteArray) {
        val uri = Uri.parse("content://files/bundle.zip")
        shadowOf(app.contentResolver).registerInputStream(uri, ByteArrayInputStream(zip))
        home.tap(R.id.open_zip)
        val asked = shadowOf(home).nextStartedActivityForResult.intent
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.action)
        shadowOf(home).receiveResult(asked, Activity.RESULT_OK, Intent().setData(uri))
        idle()
    }
}
