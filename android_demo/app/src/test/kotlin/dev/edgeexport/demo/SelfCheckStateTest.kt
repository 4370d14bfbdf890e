package dev.edgeexport.demo

import dev.edgeexport.core.bundle.FolderSource
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class SelfCheckStateTest {
    private val queue = ArrayDeque<Runnable>()
    private val background = Background(queue::add, queue::add, Runnable::run)

    @Test
    fun `without a bundle nothing starts`() {
        val bundles = BundleState(background, Nothing)
        val state = SelfCheckState(background, bundles) { _, _ -> error("never") }
        state.start()
        assertEquals(SelfCheckState.Phase.IDLE, state.phase)
        assertTrue(queue.isEmpty())
    }

    @Test
    fun `a phone without a bundle says so and is no fault`() {
        val bundles = BundleState(background, Nothing)
        bundles.start()
        while (queue.isNotEmpty()) queue.removeFirst().run()
        assertTrue(bundles.empty)
        assertEquals("", bundles.fault)
    }

    /** A phone on which no bundle is. */
    private object Nothing : Library {
        override fun source(origin: Origin) = FolderSource(File("/nonexistent"))
        override fun pushed() = emptyList<Origin.Pushed>()
        override fun last() = Origin.Assets
        override fun keep(origin: Origin) = error("there is none")
        override fun drop(origin: Origin) = error("there is none")
    }
}
