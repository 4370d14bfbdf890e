package dev.edgeexport.demo

import org.junit.Test

class ClassifyTest : AppTest() {
    @Test
    fun `a sample is classified by two artifacts`() {
        val screen = open<ClassifyActivity>().get()
        await("the answers") { app.classify.sides.all { it.answer != null } }
        picture(screen, "classify")
    }
}
