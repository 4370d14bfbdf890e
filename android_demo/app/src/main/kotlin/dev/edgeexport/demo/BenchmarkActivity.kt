package dev.edgeexport.demo

class BenchmarkActivity : Screen() {
    override val shown get() = emptyList<Observed>()
    override fun draw() = Unit
}
