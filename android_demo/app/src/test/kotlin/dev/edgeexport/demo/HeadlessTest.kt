package dev.edgeexport.demo

import android.content.Intent
import java.io.File
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.shadows.ShadowLog

class HeadlessTest : AppTest() {
    private val folder by lazy { app.getExternalFilesDir(null)!! }

    @Test
    fun `a computer gets the report, and the screen ends by itself`() {
        val bundle = BundleFiles().folder(File(folder, "bundle"))
        val report = ask("self-check", bundle.path, "${folder.path}/out.json")
        assertEquals("fashion-small", report.getJSONArray("cells").getJSONObject(0).getString("model"))
        assertTrue(report.getJSONArray("cells").length() >= 5)
        assertFalse(report.has("error"))
        assertTrue(log().last { it.startsWith("self-check") } == HeadlessState.DONE)
        assertTrue(log().any { it.startsWith("step 0/") })
    }

    @Test
    fun `the app's own bundle and a zip are taken too`() {
        assertTrue(ask("self-check", "assets", "own.json").has("cells"))
        val zip = File(folder, "bundle.zip").apply { writeBytes(BundleFiles().zip()) }
        assertTrue(ask("self-check", zip.path, "zip.json").has("cells"))
    }

    @Test
    fun `faults are answers too`() {
        val bad = BundleFiles().manifest { it.put("schema_version", 99) }.folder(File(folder, "bad"))
        refused("schema version 99", ask("self-check", bad.path, "bad.json"))
        refused("nothing", ask("self-check", "${folder.path}/nothing", "none.json"))
        refused("not known", ask("paint", "assets", "paint.json"))
        refused("No bundle", ask("self-check", "", "empty.json"))
    }

    @Test
    fun `nothing is written outside of the app's folders`() {
        val outside = File(folder.parentFile!!.parentFile, "outside.json")
        run("self-check", "assets", outside.path)
        assertFalse(outside.exists())
        assertTrue("outside of the app's folders" in log().last { it.startsWith("self-check") })
    }

    private fun refused(words: String, answer: JSONObject) =
        answer.getString("error").let { assertTrue(it, words in it && it.endsWith(".")) }

    private fun log() = ShadowLog.getLogsForTag(HeadlessState.TAG).map { it.msg }

    private fun ask(run: String, bundle: String, out: String): JSONObject {
        run(run, bundle, out)
        val file = if (File(out).isAbsolute) File(out) else File(app.filesDir, out)
        assertFalse("half a file stays", File(file.path + ".part").exists())
        return JSONObject(file.readText())
    }

    private fun run(run: String, bundle: String, out: String) {
        val intent = Intent().putExtra("run", run).putExtra("bundle", bundle).putExtra("out", out)
        val screen = open<HeadlessActivity>(intent).get()
        await("the end") { screen.isFinishing }
    }
}
