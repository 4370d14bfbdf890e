package dev.edgeexport.jvm

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

class OptionsTest {
    private val known = setOf("out", "threads")

    @Test
    fun `an argument and pairs`() {
        val options = Options(listOf("bundle", "--out", "x", "--threads", "4"), known)
        assertEquals("bundle", options.argument)
        assertEquals("x", options.required("out"))
        assertEquals(4, options.count("threads", 1))
        assertNull(Options(listOf("bundle"), known)["out"])
    }

    @Test
    fun `what is wrong is told`() {
        for (words in listOf(emptyList(), listOf("--out", "x"), listOf("b", "--outt", "x"), listOf("b", "--out"))) {
            assertThrows(UsageException::class.java) { Options(words, known).required("out") }
        }
        assertThrows(UsageException::class.java) { Options(listOf("b", "--threads", "0"), known).count("threads", 1) }
    }
}
