package dev.edgeexport.demo

import org.junit.Assert.assertEquals
import org.junit.Test

class HomeTest : AppTest() {
    @Test
    fun `the app's own bundle is open`() {
        val home = open<HomeActivity>().get()
        await("the screen") { home.reads(R.id.bundle_name).isNotEmpty() }
        picture(home, "home")
        assertEquals("digits-cnn", home.reads(R.id.bundle_name))
        assertEquals("", home.reads(R.id.fault))
    }
}
