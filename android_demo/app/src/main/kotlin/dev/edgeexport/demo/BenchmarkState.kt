package dev.edgeexport.demo

/** Written with the core's benchmark. */
class BenchmarkState : Observed()
