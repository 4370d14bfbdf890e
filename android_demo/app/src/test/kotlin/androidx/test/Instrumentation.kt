package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

object InstrumentationRegistry {
    private var registered: Instrumentation? = null

    @JvmStatic fun getInstrumentation(): Instrumentation = checkNotNull(registered) { "no instrumentation yet" }

    @JvmStatic
    fun registerInstance(instance: Instrumentation?, arguments: Bundle) {
        registered = instance
    }
}
