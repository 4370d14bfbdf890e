package dev.edgeexport.demo

import android.graphics.Bitmap
import java.io.ByteArrayOutputStream
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** The lines that the README offers to be copied: they compile, they work, and they are what stands there. */
class LabellerTest : AppTest() {
    @Test
    fun `it names golden samples as the framework does`() {
        val pack = app.bundles.bundle!!.golden("torch")
        val spec = pack.signature.inputs.single()
        val scores = pack.outputs.getValue(pack.signature.outputs.single().name)
        aside { Labeller(BundleFiles.FOLDER) }.use { labeller ->
            val samples = (0 until pack.samples).filter { !pack.atLimits[it] }.take(10)
            val equal = samples.count { sample ->
                val bitmap = TensorPicture.of(pack.sample(sample).getValue(spec.name), spec)!!
                val png =
                    aside {
                        ByteArrayOutputStream().also {
                            bitmap.compress(Bitmap.CompressFormat.PNG, 100, it)
                        }.toByteArray()
                    }
                val classes = scores.shape.last()
                val best = (0 until classes).maxBy { scores[sample * classes + it] }
                aside { labeller.label(png) } == app.bundles.bundle!!.labels[best]
            }
            assertTrue("$equal of ${samples.size}", equal >= 9)
        }
    }

    @Test
    fun `the README has exactly these lines`() {
        val lines = File("src/test/kotlin/dev/edgeexport/demo/Labeller.kt").readText().substringAfter("package dev.edgeexport.demo\n\n")
        val readme = File("../README.md").readText()
        assertTrue("put Labeller.kt into android_demo/README.md as it is", "```kotlin\n$lines```\n" in readme)
        assertEquals(1, readme.split("```kotlin\n").size - 1)
    }
}
