package dev.edgeexport.demo

import android.app.Activity
import android.content.Intent
import org.junit.Assert.assertEquals
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment

/**
 * Every screen, in use, on every kind of device: what can be seen is drawn, and what can be checked of it is checked.
 */
class LooksTest : AppTest() {
    @Test
    fun `every screen can be read and touched, light and dark, small and large, in both directions`() {
        use()
        val found = mutableListOf<String>()
        for ((look, qualifiers, scale) in LOOKS) {
            RuntimeEnvironment.setQualifiers(qualifiers)
            RuntimeEnvironment.setFontScale(scale)
            for ((name, screen, intent) in screens()) {
                val controller = Robolectric.buildActivity(screen, intent).setup()
                idle()
                val activity = controller.get()
                found += Legible(activity, drawn(activity)).faults().map { "$name, $look: $it" }
                picture(activity, if (look == "phone") name else "$name-$look")
                controller.pause().stop().destroy()
            }
        }
        assertEquals("", found.joinToString("\n"))
    }

    /** Leaves something to be seen on every screen. */
    private fun use() {
        app.selfCheck.start()
        await("the check") { app.selfCheck.phase == SelfCheckState.Phase.DONE }
        app.classify.choose(1, app.classify.sides[1].choice)
        await("the answers") { app.classify.sides.all { it.answer != null } }
        app.benchmark.choose(second = app.benchmark.choices.last(), span = Span.CALLS_2000)
        app.benchmark.start()
        await("the benchmark") { !app.benchmark.running }
    }

    private fun screens(): List<Triple<String, Class<out Activity>, Intent?>> {
        val cell = app.selfCheck.rows.first { "int8" in it.cell.precision && it.worst != null }.cell.id
        return listOf(
            Triple("home", HomeActivity::class.java, null),
            Triple("self_check", SelfCheckActivity::class.java, null),
            Triple("cell", CellActivity::class.java, Intent().putExtra(CellActivity.ID, cell)),
            Triple("classify", ClassifyActivity::class.java, null),
            Triple("benchmark", BenchmarkActivity::class.java, null),
        )
    }

    private companion object {
        val LOOKS = listOf(
            Triple("phone", "w400dp-h800dp-port-notnight-hdpi", 1f),
            Triple("dark", "w400dp-h800dp-port-night-hdpi", 1f),
            Triple("tablet", "w1000dp-h700dp-land-notnight-mdpi", 1f),
            Triple("large-font", "w400dp-h800dp-port-notnight-hdpi", 1.3f),
            Triple("right-to-left", "ar-ldrtl-w400dp-h800dp-port-notnight-hdpi", 1f),
        )
    }
}
