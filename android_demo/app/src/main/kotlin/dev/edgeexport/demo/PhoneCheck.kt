package dev.edgeexport.demo

import android.os.Build
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.report.Report
import dev.edgeexport.core.run.Place
import dev.edgeexport.core.run.Progress
import dev.edgeexport.core.run.SelfCheck

/** The core's self-check on this phone, and its report. */
class PhoneCheck(private val app: DemoApp) {
    /** The report as JSON; rows are told to [progress] as they come. Takes long. */
    fun run(bundle: Bundle, progress: Progress, threads: Int = 1): String {
        val start = System.nanoTime()
        val place = Place("android", Build.MODEL, emulated())
        val check = SelfCheck(bundle, app.engines.loaded, place, app.preprocessor, threads, app.memory)
        val cells = check.run(progress).map { it.cell }
        val seconds = (System.nanoTime() - start) * 1e-9
        return Report(bundle, cells, environment(), timingsS = mapOf("self-check" to seconds)).json()
    }

    private fun environment() = mapOf(
        "device" to "${Build.MANUFACTURER} ${Build.MODEL}",
        "soc" to
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}"
            else Build.HARDWARE,
        "android" to "${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
        "abi" to Build.SUPPORTED_ABIS.first(),
        "state" to app.phone.describe(),
    ) + app.engines.loaded.filter { it.missing.isEmpty() }.associate { it.name to it.version }

    /** What an emulator says of itself; empty on a phone. */
    private fun emulated(): String {
        val signs = listOf("ranchu", "goldfish", "cutf", "vsoc")
        return if (signs.any { Build.HARDWARE.contains(it) }) "the emulator ${Build.MODEL}" else ""
    }
}
