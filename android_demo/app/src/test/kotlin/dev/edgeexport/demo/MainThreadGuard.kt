@file:Suppress("DEPRECATION", "removal") // the JVM has no other hook into every opening of a file

package dev.edgeexport.demo

import java.io.FileDescriptor
import java.security.Permission
import org.junit.rules.ExternalResource

/**
 * Fails a test in which the app's own code opens, reads, writes or deletes a file on the main thread.
 *
 * StrictMode does this on a phone; its hooks lie in Android's own file system calls, which the JVM does not have.
 */
class MainThreadGuard : ExternalResource() {
    private val found = mutableListOf<String>()

    override fun before() = System.setSecurityManager(Guard(Thread.currentThread()))

    override fun after() {
        System.setSecurityManager(null)
        if (found.isNotEmpty()) throw AssertionError("files touched on the main thread:\n" + found.joinToString("\n"))
    }

    private inner class Guard(private val main: Thread) : SecurityManager() {
        private var looking = false

        override fun checkPermission(permission: Permission) = Unit
        override fun checkPermission(permission: Permission, context: Any) = Unit
        override fun checkRead(file: String) = check(file)
        override fun checkRead(file: String, context: Any) = check(file)
        override fun checkRead(file: FileDescriptor) = Unit
        override fun checkWrite(file: String) = check(file)
        override fun checkDelete(file: String) = check(file)

        private fun check(file: String) {
            if (Thread.currentThread() !== main || looking) return
            looking = true // looking may load classes, which reads files
            try {
                val caller =
                    Throwable().stackTrace.firstOrNull { frame -> PASSED_OVER.none { frame.className.startsWith(it) } }
                if (caller != null && caller.className.startsWith(APP) && TESTS.none {
                        it in caller.className
                    }) found += "$file, at $caller"
            } finally {
                looking = false
            }
        }
    }

    private companion object {
        const val APP = "dev.edgeexport."
        val TESTS = listOf("Test", "BundleFiles", "Labeller")
        val PASSED_OVER =
            listOf("java.io.", "java.nio.", "sun.nio.", "kotlin.io.", "dev.edgeexport.demo.MainThreadGuard")
    }
}
