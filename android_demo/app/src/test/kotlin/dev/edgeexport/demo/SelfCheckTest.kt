package dev.edgeexport.demo

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.widget.ListView
import android.widget.Toolbar
import dev.edgeexport.core.check.Outcome
import dev.edgeexport.demo.SelfCheckState.Phase
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf

class SelfCheckTest : AppTest() {
    private val state get() = app.selfCheck

    @Test
    fun `every row is judged with real inference, looked into, and shared`() {
        val screen = open<SelfCheckActivity>().get()
        assertEquals(screen.getString(R.string.not_started), screen.reads(R.id.summary))
        screen.tap(R.id.start)
        await("the run") { state.phase == Phase.DONE }
        for (row in state.rows) {
            val engines = app.engines.engines.any { engine ->
                app.bundles.bundle!!.artifacts.first { it.file == row.cell.artifact }.format in engine.formats
            }
            assertEquals("${row.cell.id}: ${row.cell.reasons}", if (engines) Outcome.PASSED else Outcome.NOT_RUN, row.cell.outcome)
        }
        val run = state.rows.filter { it.cell.outcome == Outcome.PASSED }
        assertTrue("an int8 and a float file of both engines", run.size >= 4)
        val exact = app.bundles.bundle!!.manifest.pictures.count { it.exact }
        for (row in run) { // the pictures of the bundle, through Android's own decoder
            assertTrue("$exact are decoded without loss", row.cell.metric("pictures.bit_equal")!! >= exact)
        }
        look(screen)
        share(screen)
    }

    private fun look(screen: SelfCheckActivity) {
        val list = screen.findViewById<ListView>(R.id.rows)
        val row = state.rows.indexOfFirst { it.worst != null }
        list.performItemClick(list.adapter.getView(row, null, list), row, row.toLong())
        val asked = shadowOf(screen).nextStartedActivity
        val cell = open<CellActivity>(asked).get()
        assertTrue(cell.findViewById<View>(R.id.picture).isShown)
        assertTrue(cell.texts().contains(cell.getString(R.string.here)))
        assertTrue(cell.texts().any { it.startsWith("parity.snr_db") })
    }

    private fun share(screen: SelfCheckActivity) {
        shadowOf(screen).clickMenuItem(R.id.share)
        await("the chooser") { shadowOf(screen).peekNextStartedActivity() != null }
        val chooser = shadowOf(screen).nextStartedActivity
        @Suppress("DEPRECATION")
        val send = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        @Suppress("DEPRECATION")
        val uri = send.getParcelableExtra<Uri>(Intent.EXTRA_STREAM)!!
        val sharing = Robolectric.setupContentProvider(Sharing::class.java, uri.authority)
        val report = sharing.openFile(uri, "r").use { file -> java.io.FileInputStream(file.fileDescriptor).readBytes() }
        assertEquals(state.rows.size, JSONObject(String(report)).getJSONArray("cells").length())
    }

    @Test
    fun `a run survives rotation and the background, and can be cancelled`() {
        val controller = open<SelfCheckActivity>()
        app.gate.lock()
        controller.get().tap(R.id.start)
        await("the first row") { state.phase == Phase.RUNNING }
        val turned = controller.turn()
        assertEquals(turned.getString(R.string.cancel), turned.reads(R.id.start))
        controller.pause().stop()
        app.gate.unlock()
        await("rows while nobody looks") { state.rows.isNotEmpty() }
        controller.restart().start().resume()
        val screen = controller.get()
        if (state.running) screen.tap(R.id.start)
        await("the end") { !state.running }
        assertTrue(state.phase == Phase.CANCELLED || state.phase == Phase.DONE)
        assertEquals(state.phase == Phase.DONE, state.report != null)
        assertEquals(state.rows.size, screen.findViewById<ListView>(R.id.rows).adapter.count)
    }

    @Test
    fun `a cancelled run keeps its finished rows and has no report`() {
        val screen = open<SelfCheckActivity>().get()
        app.gate.lock()
        screen.tap(R.id.start)
        await("the first row") { state.phase == Phase.RUNNING }
        screen.tap(R.id.start)
        assertEquals(screen.getString(R.string.cancelling), screen.reads(R.id.now))
        app.gate.unlock()
        await("the end") { state.phase == Phase.CANCELLED }
        assertEquals(null, state.report)
        assertFalse(screen.findViewById<Toolbar>(R.id.toolbar).menu.findItem(R.id.share)?.isVisible ?: false)
        screen.tap(R.id.start)
        await("another run") { state.phase == Phase.DONE }
    }

    @Test
    fun `after the process ended it says what became of the run`() {
        val saved = Bundle().apply { putBoolean("running", true) }
        val screen = Robolectric.buildActivity(SelfCheckActivity::class.java).setup(saved).get()
        assertEquals(screen.getString(R.string.run_lost), screen.reads(R.id.now))
        val cell = open<CellActivity>(Intent().putExtra(CellActivity.ID, "gone")).get()
        assertEquals(cell.getString(R.string.row_gone), cell.reads(R.id.title))
    }
}
