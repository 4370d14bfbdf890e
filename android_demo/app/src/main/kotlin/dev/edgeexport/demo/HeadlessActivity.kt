package dev.edgeexport.demo

import android.app.Activity
import android.os.Bundle
import android.view.WindowManager
import android.widget.TextView

/**
 * The self-check for a computer, without a tap:
 *
 *     am start -n dev.edgeexport.demo/.HeadlessActivity --es run self-check --es bundle PATH --es out FILE
 *
 * `bundle` is a folder or .zip that the app can read, or `assets`; `out` lies in the app's own folders. The file is
 * written whole, at the end: the report, or `{"error": "one sentence"}`. The log, tag `edge-export`, tells each step.
 */
class HeadlessActivity : Activity() {
    private val app get() = application as DemoApp

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.headless)
        keepClearOfBars(findViewById(R.id.root))
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        if (savedInstanceState == null) app.headless.start(HeadlessRequest.of(intent))
        app.headless.watch(draw)
        draw()
    }

    override fun onDestroy() {
        app.headless.unwatch(draw)
        super.onDestroy()
    }

    private val draw: () -> Unit = {
        findViewById<TextView>(R.id.now).text = app.headless.now
        if (app.headless.over) finishAndRemoveTask()
    }
}
