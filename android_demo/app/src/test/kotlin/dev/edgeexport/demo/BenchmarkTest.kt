package dev.edgeexport.demo

import android.os.Bundle
import android.view.WindowManager
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric

class BenchmarkTest : AppTest() {
    private val state get() = app.benchmark

    @Test
    fun `two artifacts are timed, each alone and against each other`() {
        val screen = open<BenchmarkActivity>().get()
        state.choose(second = state.choices.last())
        screen.tap(R.id.start)
        await("the run") { !state.running }
        assertEquals("", state.fault)
        assertEquals(listOf(200, 200), state.result!!.lanes.map { it.count })
        assertTrue(screen.reads(R.id.verdict), state.result!!.race!!.says in screen.reads(R.id.verdict))
        assertTrue(screen.texts().containsAll(listOf(screen.getString(R.string.first_run), screen.getString(R.string.ninety_nine))))
    }

    @Test
    fun `a run goes on through rotation, keeps the screen on, and ends when told to`() {
        val controller = open<BenchmarkActivity>()
        state.choose(span = Span.MINUTES_5)
        controller.get().tap(R.id.start)
        await("some calls") { state.progress > 0 }
        assertNotEquals(0, controller.get().window.attributes.flags and WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        controller.turn()
        await("a line") { state.series.first().size >= 8 }
        controller.get().tap(R.id.start)
        await("the end") { !state.running }
        assertEquals(0, controller.get().window.attributes.flags and WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        assertTrue("what was measured is told", state.result!!.lanes[0].count > 0)
        assertTrue(state.readings.isNotEmpty())
    }

    @Test
    fun `what was chosen comes back after the process ended`() {
        val before = open<BenchmarkActivity>()
        val (first, second) = state.choices[1] to state.choices[0]
        state.choose(first, second, threads = 4, span = Span.MINUTE_1)
        val saved = Bundle()
        before.saveInstanceState(saved).pause().stop().destroy()
        state.choose(state.choices[0], null, threads = 1, span = Span.CALLS_200) // as in a new process
        Robolectric.buildActivity(BenchmarkActivity::class.java).setup(saved)
        assertEquals(listOf(first, second), listOf(state.first, state.second))
        assertEquals(4, state.threads)
        assertEquals(Span.MINUTE_1, state.span)
    }
}
