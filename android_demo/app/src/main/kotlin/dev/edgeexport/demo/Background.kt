package dev.edgeexport.demo

import java.util.concurrent.Executor

/**
 * Where work is done: [quick] for what a user waits for, [long] for one measurement at a time, [main] for the screen.
 */
class Background(private val quick: Executor, private val long: Executor, private val main: Executor) {
    /** Does [task] away from the main thread and hands what became of it to [done] on the main thread. */
    fun <T> quick(task: () -> T, done: (Result<T>) -> Unit) = run(quick, task, done)

    /** As [quick]; waits until no other measurement runs, so that none disturbs another. */
    fun <T> long(task: () -> T, done: (Result<T>) -> Unit) = run(long, task, done)

    /** Does [action] on the main thread. */
    fun onMain(action: () -> Unit) = main.execute(action)

    private fun <T> run(executor: Executor, task: () -> T, done: (Result<T>) -> Unit) {
        executor.execute {
            val result = try {
                Result.success(task())
            } catch (error: Exception) {
                Result.failure(error)
            } catch (error: OutOfMemoryError) { // the task's memory is free again, and the screen says what happened
                Result.failure(error)
            }
            main.execute { done(result) }
        }
    }
}
