package dev.edgeexport.core.check

import dev.edgeexport.core.TestBundle
import org.json.JSONException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class GatesTest {
    private val gates = Gates.parse(TestBundle.GATES)

    @Test
    fun `a device is judged as wide as its kernels, and by what it computes in`() {
        assertEquals(1e-5, gates.parity("fp32", "other").maxRelRange, 0.0)
        val wide = gates.parity("fp32", "android", "fp16")
        assertEquals(1e-3, wide.maxRelRange, 0.0)
        assertEquals(60.0, wide.minSnrDb, 0.0)
        assertEquals(60.0, wide.minMovingSnrDb, 0.0)
    }

    @Test
    fun `gates have no defaults`() {
        for (harm in listOf("min_cosine" to "min_cosin", "\"schema_version\": 1" to "\"schema_version\": 2", "1e-5" to "-1", "\"equal_within\": 0.02" to "\"x\": 1")) {
            val error =
                assertThrows(JSONException::class.java) {
                    Gates.parse(TestBundle.GATES.replace(harm.first, harm.second))
                }
            assertTrue(error.message!!.isNotEmpty())
        }
    }

    @Test
    fun `numbers read as C writes them`() {
        val written =
            mapOf(1e-5 to "1e-05", 0.25 to "0.25", 100.0 to "100", 1234567.0 to "1.23457e+06", 0.0001 to "0.0001", -0.5 to "-0.5", 0.0 to "0")
        for ((value, text) in written) assertEquals(text, general(value))
        assertEquals("12.34%", percent(0.12344))
    }
}
