package dev.edgeexport.core.report

import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class JsonTest {
    @Test
    fun `numbers that JSON lacks are texts, and every text comes back`() {
        val odd = "a \"quote\", a \\, a\nline, \u0001, 模型, \ud83d\ude00"
        val written = Json.text(linkedMapOf("nan" to Double.NaN, "inf" to -1.0 / 0.0, "text" to odd, "list" to listOf(1, null, true), "none" to emptyMap<String, Int>()))
        val read = JSONObject(written)
        assertEquals("NaN", read.get("nan"))
        assertEquals("-Infinity", read.get("inf"))
        assertEquals(odd, read.get("text"))
        assertEquals("[1,null,true]", read.getJSONArray("list").toString())
        assertThrows(IllegalArgumentException::class.java) { Json.text(Any()) }
    }
}
