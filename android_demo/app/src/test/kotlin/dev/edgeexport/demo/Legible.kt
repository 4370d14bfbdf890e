package dev.edgeexport.demo

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.Rect
import android.view.View
import android.view.ViewGroup
import android.widget.ImageView
import android.widget.TextView
import kotlin.math.pow

/** What keeps people from reading or touching a screen, measured on its picture. */
class Legible(private val activity: Activity, private val picture: Bitmap) {
    private val density = activity.resources.displayMetrics.density

    fun faults(): List<String> = views(activity.window.decorView).filter { it.isShown }.flatMap { view ->
        listOfNotNull(small(view), unnamed(view), pale(view), cut(view)).map { "${name(view)} $it" }
    }

    /** Fingers need 48 dp. A view at the edge of a scrolled page counts as whole. */
    private fun small(view: View): String? {
        if (!view.isClickable || !view.isEnabled) return null
        val (width, height) = view.width / density to view.height / density
        return if (width < 47.9 || height < 47.9) "is ${width.toInt()} x ${height.toInt()} dp, too small to touch" else null
    }

    /**
     * Who does not see the screen hears a name for all that can be touched, and for every picture that tells something.
     */
    private fun unnamed(view: View): String? {
        val touched = view.isClickable && view.isEnabled
        val told = view is ImageView && view.importantForAccessibility != View.IMPORTANT_FOR_ACCESSIBILITY_NO && view.drawable != null
        return if ((touched || told) && !named(view)) "has nothing to be called by" else null
    }

    private fun named(view: View): Boolean = !view.contentDescription.isNullOrEmpty() ||
        (view is TextView && view.text.isNotEmpty()) ||
        (view is ViewGroup && (0 until view.childCount).any { named(view.getChildAt(it)) })

    /** Text needs a contrast of 4.5 to what lies behind it: the commonest colour where it stands. */
    private fun pale(view: View): String? {
        if (view !is TextView || view.text.isEmpty() || !view.isEnabled) return null
        val place = Rect().also { if (!view.getGlobalVisibleRect(it)) return null }
        if (!place.intersect(0, 0, picture.width, picture.height) || place.height() < 8) return null
        val counts = HashMap<Int, Int>()
        for (y in place.top until place.bottom step 2) for (x in place.left until place.right step 2) {
            counts.merge(picture.getPixel(x, y), 1, Int::plus)
        }
        val ground = counts.maxByOrNull { it.value }!!.key
        val contrast = contrast(over(view.currentTextColor, ground), ground)
        return if (contrast < 4.5) "`${view.text}` has a contrast of %.1f".format(contrast) else null
    }

    /** Words are not cut off where there is no sign of it. */
    private fun cut(view: View): String? {
        if (view !is TextView || view.text.isEmpty()) return null
        val layout = view.layout ?: return null
        val room = view.height - view.compoundPaddingTop - view.compoundPaddingBottom
        val wide = (0 until layout.lineCount).maxOf { layout.getLineMax(it) }
        val cut =
            layout.height > room + 1 || wide > view.width - view.compoundPaddingLeft - view.compoundPaddingRight + 1
        return if (cut && view.ellipsize == null) "`${view.text}` is cut" else null
    }

    private fun over(colour: Int, ground: Int): Int {
        val alpha = Color.alpha(colour) / 255.0
        fun mix(one: Int, other: Int) = (one * alpha + other * (1 - alpha)).toInt()
        return Color.rgb(
            mix(Color.red(colour), Color.red(ground)),
            mix(Color.green(colour), Color.green(ground)),
            mix(Color.blue(colour), Color.blue(ground)),
        )
    }

    private fun name(view: View) =
        if (view.id > 0) activity.resources.getResourceEntryName(view.id) else view.javaClass.simpleName

    private fun views(root: View): List<View> = listOf(root) + ((root as? ViewGroup)?.let { group ->
        (0 until group.childCount).flatMap { views(group.getChildAt(it)) }
    }.orEmpty())

    companion object {
        /** WCAG 2: 1 (none) to 21 (black on white). */
        fun contrast(one: Int, other: Int): Double {
            val (light, dark) = listOf(luminance(one), luminance(other)).sortedDescending()
            return (light + 0.05) / (dark + 0.05)
        }

        private fun luminance(colour: Int): Double {
            fun linear(value: Int) =
                (value / 255.0).let { if (it <= 0.04045) it / 12.92 else ((it + 0.055) / 1.055).pow(2.4) }
            return 0.2126 * linear(Color.red(colour)) + 0.7152 * linear(Color.green(colour)) + 0.0722 * linear(Color.blue(colour))
        }
    }
}
