package dev.edgeexport.demo

import org.junit.Assert.assertEquals
import org.junit.Test

class FiguresTest {
    @Test
    fun `numbers are short and keep what matters`() {
        assertEquals(unbroken("999 B", "54 kB", "11.5 MB"), listOf(999L, 53_688L, 11_500_000L).map(Figures::bytes))
        assertEquals(unbroken("0.123 ms", "5.63 ms", "136 ms"), listOf(0.1234, 5.634, 136.4).map(Figures::milliseconds))
        assertEquals(unbroken("100 %", "97.3 %"), listOf(1.0, 0.973).map(Figures::percent))
        assertEquals(listOf("0.0000", "1.91e-06", "NaN"), listOf(0.0, 1.907e-6, Double.NaN).map(Figures::value))
        assertEquals(unbroken("∞ dB"), listOf(Figures.decibel(Double.POSITIVE_INFINITY)))
    }

    /** With spaces at which no line ends. */
    private fun unbroken(vararg texts: String) = texts.map { it.replace(' ', '\u00a0') }
}
