package dev.edgeexport.demo

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

class OriginTest {
    @Test
    fun `a place is found again`() {
        for (origin in listOf(Origin.Assets, Origin.Chosen("my model.zip"), Origin.Pushed(File("/sdcard/b")))) {
            assertEquals(origin.key, Origin.of(origin.key).key)
        }
    }
}
