package dev.edgeexport.demo

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class MediansTest {
    @Test
    fun `a point is the median of its stretch`() {
        val medians = Medians()
        for (ms in listOf(1.0, 9.0, 2.0)) medians.add(0.1, ms)
        medians.add(0.3, 5.0)
        assertArrayEquals(floatArrayOf(0.25f, 2f, 0.5f, 5f), medians.points(), 1e-6f)
    }

    @Test
    fun `minutes keep few points, in order`() {
        val medians = Medians(most = 10)
        for (i in 0 until 10_000) medians.add(i * 0.03, 1.0)
        val seconds = medians.points().filterIndexed { index, _ -> index % 2 == 0 }
        assertTrue("${seconds.size}", seconds.size in 5..11)
        assertEquals(seconds.sorted(), seconds)
        assertEquals(300f, seconds.last(), 40f)
    }
}
