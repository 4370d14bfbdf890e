package dev.edgeexport.demo

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle
import android.provider.MediaStore
import android.view.MotionEvent
import android.view.View
import android.widget.LinearLayout
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.InputStream
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf

class ClassifyTest : AppTest() {
    private val state get() = app.classify
    private val controller by lazy { open<ClassifyActivity>() }
    private val screen get() = controller.get()

    @Test
    fun `samples go through two artifacts, chosen on the spot`() {
        answered()
        for (sample in state.samples.indices.take(4)) {
            screen.findViewById<LinearLayout>(R.id.strip).getChildAt(sample).performClick()
            answered()
            val label = app.bundles.bundle!!.golden("torch").label[state.samples[sample].index]
            assertTrue("of ${state.samples.size} samples most are known", state.sides.any {
                it.answer!!.top[0].index.toLong() == label
            } || sample > 0)
        }
        val before = state.sides[1].answer
        state.choose(1, state.sides[1].choice!!.copy(artifact = state.artifacts.last().file))
        await("the other artifact") { state.sides[1].answer !== before && state.sides[1].answer != null }
        assertEquals("", state.sides[1].fault)
        assertEquals(3, screen.findViewById<View>(R.id.side_b).findViewById<LinearLayout>(R.id.top).childCount)
    }

    @Test
    fun `what is drawn is classified, and survives rotation and the end of the process`() {
        answered()
        screen.tap(R.id.from_pad)
        draw()
        answered()
        assertTrue(state.picture is Picture.Taken)
        val answer = state.sides[0].answer
        controller.turn()
        assertTrue(screen.findViewById<View>(R.id.pad).isShown)
        assertSame(answer, state.sides[0].answer)

        val saved = Bundle()
        controller.saveInstanceState(saved).pause().stop().destroy()
        state.samples[0].let(state::show) // what another process would know
        val restored = Robolectric.buildActivity(ClassifyActivity::class.java).setup(saved).get()
        idle()
        assertTrue(restored.findViewById<View>(R.id.pad).isShown)
        await("the drawing once more") { state.picture is Picture.Taken && state.sides[0].answer != null }
        assertEquals(answer!!.top.map { it.index }, state.sides[0].answer!!.top.map { it.index })
    }

    @Test
    fun `the camera writes to the app and to nowhere else`() {
        answered()
        screen.tap(R.id.from_camera)
        await("the camera") { shadowOf(screen).peekNextStartedActivityForResult() != null }
        val asked = shadowOf(screen).nextStartedActivityForResult.intent
        assertEquals(MediaStore.ACTION_IMAGE_CAPTURE, asked.action)
        @Suppress("DEPRECATION")
        val uri = asked.getParcelableExtra<Uri>(MediaStore.EXTRA_OUTPUT)!!
        val sharing = Robolectric.setupContentProvider(Sharing::class.java, uri.authority)
        sharing.openFile(uri, "w").use { java.io.FileOutputStream(it.fileDescriptor).write(png(60, 40)) }
        shadowOf(screen).receiveResult(asked, Activity.RESULT_OK, null)
        await("the photo") { (state.picture as? Picture.Taken)?.name == screen.getString(R.string.photo) }
        answered()
        assertEquals(60, (state.picture as Picture.Taken).pixels.width)
    }

    @Test
    fun `pictures of the gallery are taken, whatever their size, and refused ones are told`() {
        answered()
        gallery(ByteArrayInputStream(png(1, 1)))
        await("the dot") { state.picture is Picture.Taken }
        answered()
        gallery(ByteArrayInputStream(png(12_000, 9_000)))
        await("the huge one") { (state.picture as? Picture.Taken)?.pixels?.let { it.width > 1000 } == true }
        answered()
        assertEquals("", state.fault)
        val last = state.picture
        gallery(ByteArrayInputStream("this is no picture".toByteArray()))
        await("the refusal") { state.fault.isNotEmpty() }
        assertTrue(state.fault, "no picture" in screen.reads(R.id.fault))
        gallery(object : InputStream() {
            override fun read() = throw SecurityException("no grant")
        })
        await("the other refusal") { state.fault == screen.getString(R.string.refused) }
        assertSame(last, state.picture)
    }

    @Test
    fun `a phone without a camera says so`() {
        answered()
        shadowOf(app).checkActivities(true)
        screen.tap(R.id.from_camera)
        await("the sentence") { screen.reads(R.id.fault) == screen.getString(R.string.no_camera) }
        screen.tap(R.id.from_gallery)
        await("the other sentence") { screen.reads(R.id.fault) == screen.getString(R.string.no_gallery) }
    }

    @Test
    fun `choices come back after the process ended`() {
        answered()
        state.choose(0, state.sides[0].choice!!.copy(artifact = state.artifacts.last().file))
        state.show(state.samples[2])
        answered()
        val saved = Bundle()
        controller.saveInstanceState(saved)
        assertNotEquals(null, saved.getStringArray("side0"))
        assertEquals(state.samples[2].index, saved.getInt("sample"))
    }

    private fun answered() {
        screen
        await("both answers") { state.sides.all { it.answer != null || it.fault.isNotEmpty() } }
        assertEquals(listOf("", ""), state.sides.map { it.fault })
    }

    private fun draw() {
        val pad = screen.findViewById<View>(R.id.pad)
        val path = listOf(100f to 40f, 240f to 40f, 240f to 300f, 360f to 300f, 360f to 420f)
        path.forEachIndexed { index, (x, y) ->
            val action = if (index == 0) MotionEvent.ACTION_DOWN else if (index == path.size - 1) MotionEvent.ACTION_UP else MotionEvent.ACTION_MOVE
            pad.dispatchTouchEvent(MotionEvent.obtain(0, 10L * index, action, x, y, 0))
        }
        await("the drawing") { state.picture is Picture.Taken }
        for (side in state.sides) await("its answer") { side.answer != null }
    }

    private fun gallery(stream: InputStream) {
        val uri = Uri.parse("content://gallery/${System.nanoTime()}")
        shadowOf(app.contentResolver).registerInputStream(uri, stream)
        screen.tap(R.id.from_gallery)
        val asked = shadowOf(screen).nextStartedActivityForResult.intent
        assertEquals(Intent.ACTION_GET_CONTENT, asked.action)
        shadowOf(screen).receiveResult(asked, Activity.RESULT_OK, Intent().setData(uri))
        idle()
    }

    private fun png(width: Int, height: Int): ByteArray = aside {
        val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.RGB_565)
        bitmap.eraseColor(0xff336699.toInt())
        ByteArrayOutputStream().also {
            bitmap.compress(Bitmap.CompressFormat.PNG, 0, it)
        }.toByteArray().also { bitmap.recycle() }
    }
}
