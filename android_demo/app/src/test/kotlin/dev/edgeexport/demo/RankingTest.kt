package dev.edgeexport.demo

import org.junit.Assert.assertEquals
import org.junit.Test

class RankingTest {
    @Test
    fun `logits become shares, best first`() {
        val top = Ranking.top(doubleArrayOf(1.0, 3.0, 2.0), 3, 2)
        assertEquals(listOf(1, 2), top.map { it.index })
        assertEquals(0.6652, top[0].share, 1e-4)
    }

    @Test
    fun `shares stay as they are`() = assertEquals(0.7, Ranking.top(doubleArrayOf(0.1, 0.7, 0.2), 3, 1)[0].share, 0.0)

    @Test
    fun `one score of two classes is the second's`() {
        assertEquals(1, Ranking.top(doubleArrayOf(0.9), 2, 1)[0].index)
        assertEquals(0, Ranking.top(doubleArrayOf(-2.0), 2, 1)[0].index)
    }

    @Test
    fun `huge logits do not overflow`() = assertEquals(1.0, Ranking.top(doubleArrayOf(1e4, -1e4), 2, 1)[0].share, 0.0)
}
