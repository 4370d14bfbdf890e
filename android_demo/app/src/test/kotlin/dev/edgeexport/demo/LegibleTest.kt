package dev.edgeexport.demo

import android.app.Activity
import android.graphics.Color
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.FrameLayout
import android.widget.ImageButton
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** The checks of looks see what they are there for. */
class LegibleTest : AppTest() {
    @Test
    fun `pale, small, nameless and cut are found`() {
        val activity = open<Activity>().get()
        val frame = FrameLayout(activity).apply { setBackgroundColor(Color.WHITE) }
        frame.add(TextView(activity).apply { text = "pale"; setTextColor(0xffbbbbbb.toInt()) }, 400, 100, 0)
        frame.add(Button(activity).apply { text = "small"; minHeight = 0; setTextColor(Color.BLACK) }, 200, 40, 200)
        frame.add(ImageButton(activity), 200, 200, 300)
        frame.add(TextView(activity).apply {
            text = "much too long to fit here"; setTextColor(Color.BLACK)
        }, 40, 40, 600)
        activity.setContentView(frame)
        val found = Legible(activity, drawn(activity)).faults()
        for (fault in listOf("`pale` has a contrast", "too small to touch", "nothing to be called by", "is cut")) {
            assertTrue("$fault in $found", found.any { fault in it })
        }
    }

    @Test
    fun `contrast is WCAG's`() {
        assertEquals(21.0, Legible.contrast(Color.BLACK, Color.WHITE), 1e-9)
        assertEquals(4.48, Legible.contrast(0xff777777.toInt(), Color.WHITE), 0.01)
    }

    private fun FrameLayout.add(view: View, width: Int, height: Int, top: Int) =
        addView(view, FrameLayout.LayoutParams(width, height).apply { topMargin = top } as ViewGroup.LayoutParams)
}
