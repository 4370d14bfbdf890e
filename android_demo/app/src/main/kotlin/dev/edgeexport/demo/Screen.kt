package dev.edgeexport.demo

import android.app.Activity
import android.os.Build
import android.view.MenuItem
import android.view.View
import android.view.WindowInsets
import android.widget.Toolbar

/**
 * What every screen does: a toolbar, room for the system's bars, and drawing again when the state that it shows
 * changes.
 */
abstract class Screen : Activity() {
    protected val app get() = application as DemoApp

    /** The state that this screen shows. */
    protected abstract val shown: List<Observed>

    private val redraw: () -> Unit = { draw() }

    /** Why there is nothing to work with here: the fault of the last bundle, in a sentence; empty where one is open. */
    protected val noBundle get() = when {
        app.bundles.bundle != null -> ""
        app.bundles.opening -> getString(R.string.opening)
        else -> app.bundles.fault.ifEmpty { getString(R.string.none_open) }
    }

    /** Shows all of the state, whatever was shown before. */
    protected abstract fun draw()

    protected fun setContent(layout: Int, home: Boolean = false) {
        setContentView(layout)
        val toolbar = findViewById<Toolbar>(R.id.toolbar)
        setActionBar(toolbar)
        if (!home) {
            actionBar?.setDisplayHomeAsUpEnabled(true)
            toolbar.setNavigationIcon(R.drawable.ic_back)
            toolbar.setNavigationContentDescription(R.string.back)
        }
        keepClearOfBars(findViewById(R.id.root))
    }

    override fun onStart() {
        super.onStart()
        shown.forEach { it.watch(redraw) }
        draw()
    }

    override fun onStop() {
        shown.forEach { it.unwatch(redraw) }
        super.onStop()
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        if (item.itemId != android.R.id.home) return super.onOptionsItemSelected(item)
        finish()
        return true
    }
}

/** Pads a view by the system's bars, which lie over the window since API 35. */
fun keepClearOfBars(root: View) {
    root.setOnApplyWindowInsetsListener { view, insets ->
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            val types = WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout() or WindowInsets.Type.ime()
            val bars = insets.getInsets(types)
            view.setPadding(bars.left, bars.top, bars.right, bars.bottom)
        } else {
            @Suppress("DEPRECATION")
            view.setPadding(
                insets.systemWindowInsetLeft,
                insets.systemWindowInsetTop,
                insets.systemWindowInsetRight,
                insets.systemWindowInsetBottom,
            )
        }
        insets
    }
}
