package dev.edgeexport.demo

import org.junit.Assert.assertEquals
import org.junit.Test

class BenchmarkTest : AppTest() {
    @Test
    fun `two artifacts are timed against each other`() {
        val screen = open<BenchmarkActivity>().get()
        app.benchmark.choose(second = app.benchmark.choices[2])
        screen.tap(R.id.start)
        await("the run") { !app.benchmark.running }
        picture(screen, "benchmark")
        assertEquals("", app.benchmark.fault)
        val result = app.benchmark.result!!
        println(result.lanes.map { it.count to it.p50 } + result.race!!.says)
    }
}
