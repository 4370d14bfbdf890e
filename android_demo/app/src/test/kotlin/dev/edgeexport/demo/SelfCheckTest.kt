package dev.edgeexport.demo

import org.junit.Assert.assertEquals
import org.junit.Test

class SelfCheckTest : AppTest() {
    @Test
    fun `every row is judged, with real inference`() {
        val screen = open<SelfCheckActivity>().get()
        screen.tap(R.id.start)
        await("the run") { app.selfCheck.phase == SelfCheckState.Phase.DONE }
        picture(screen, "self_check")
        println(app.selfCheck.rows.map { "${it.cell.id} ${it.cell.outcome} ${it.cell.reasons} ${it.cell.metrics}" }.joinToString("\n"))
        assertEquals(app.bundles.bundle!!.artifacts.size, app.selfCheck.rows.size)
    }
}
