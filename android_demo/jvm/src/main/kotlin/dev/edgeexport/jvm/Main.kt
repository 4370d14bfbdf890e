package dev.edgeexport.jvm

import dev.edgeexport.core.bundle.BundleException
import dev.edgeexport.core.bundle.BundleFault
import dev.edgeexport.core.engine.EngineException
import kotlin.system.exitProcess

private const val USAGE = """usage:
  self-check BUNDLE --out FILE [--outputs FOLDER] [--host NAME] [--threads N]
  run SPEC --samples FILE --out FILE [--threads N]
  judge CASES --out FILE
  compare TIMINGS --out FILE"""

/** The exit codes of docs/exit_codes.md. */
object ExitCode {
    const val FAILED = 1
    const val USAGE = 2
    const val DATA = 4
    const val MODEL = 5
    const val TOOLKIT = 6
    const val UNAVAILABLE = 7
    const val BUG = 70
}

/** One sentence on standard error, and an exit code; never a stack trace. */
fun main(arguments: Array<String>) {
    val code = try {
        command(arguments.firstOrNull())(arguments.drop(1))
    } catch (error: UsageException) {
        said("${error.message}\n$USAGE", ExitCode.USAGE)
    } catch (error: BundleException) {
        val data = error.fault is BundleFault.Golden || error.fault is BundleFault.Labels
        said(error.message!!, if (data) ExitCode.DATA else ExitCode.MODEL)
    } catch (error: EngineException) {
        said(error.message!!, if (error.unsupported) ExitCode.TOOLKIT else ExitCode.MODEL)
    } catch (error: Exception) { // no exit code of a verdict: nothing was judged
        said("the app's own code failed: $error, at ${error.stackTrace.firstOrNull()}", ExitCode.BUG)
    } catch (error: OutOfMemoryError) {
        said("the memory did not suffice: give the JVM more (-Xmx), or take a smaller model", ExitCode.TOOLKIT)
    }
    exitProcess(code)
}

private fun command(name: String?): (List<String>) -> Int = when (name) {
    "self-check" -> SelfCheckCommand::run
    "run" -> RunCommand::run
    "judge" -> JudgeCommand::run
    "compare" -> CompareCommand::run
    else -> throw UsageException(if (name == null) "a command is missing" else "there is no command $name")
}

private fun said(sentence: String, code: Int): Int {
    System.err.println(sentence)
    return code
}
