package dev.edgeexport.demo

import android.content.Intent
import android.util.Log
import dev.edgeexport.core.bundle.Bundle
import dev.edgeexport.core.bundle.BundleReader
import dev.edgeexport.core.run.Progress
import java.io.File
import java.io.IOException
import org.json.JSONObject

/** What a computer asks for. */
class HeadlessRequest(val run: String, val bundle: String, val out: String, val threads: Int) {
    companion object {
        fun of(intent: Intent) = HeadlessRequest(
            intent.getStringExtra("run").orEmpty(),
            intent.getStringExtra("bundle").orEmpty(),
            intent.getStringExtra("out").orEmpty(),
            intent.getIntExtra("threads", 1),
        )
    }
}

/** A self-check that a computer asked for; its answer is a file, errors too. */
class HeadlessState(
    private val background: Background,
    private val library: Library,
    private val folders: () -> List<File>,
    private val check: (Bundle, Progress, Int) -> String,
) : Observed() {
    var now = ""
        private set
    var over = false
        private set

    fun start(request: HeadlessRequest) {
        over = false
        now = ""
        background.long({ answer(request) }) {
            over = true
            changed()
        }
    }

    /** Writes the answer to a request, whatever it is. */
    private fun answer(request: HeadlessRequest) {
        val (text, said) = try {
            report(request) to DONE
        } catch (error: Exception) {
            failure(error)
        } catch (error: OutOfMemoryError) {
            failure(error)
        }
        try {
            replace(out(request.out), text.toByteArray())
            Log.i(TAG, said)
        } catch (error: IOException) {
            Log.e(TAG, "$FAILED: ${sentence(error)}")
        }
    }

    private fun failure(error: Throwable) =
        JSONObject(mapOf("error" to sentence(error))).toString(2) to "$FAILED: ${sentence(error)}"

    private fun report(request: HeadlessRequest): String {
        if (request.run != RUN) throw IOException("run `${request.run}` is not known; there is `$RUN`.")
        if (request.threads !in 1..MOST_THREADS) {
            throw IOException("threads is ${request.threads}; 1 to $MOST_THREADS can be had.")
        }
        if (request.bundle.isEmpty()) {
            throw IOException("No bundle is named: --es bundle PATH, or assets for the app's own.")
        }
        val origin = if (request.bundle == Origin.Assets.key) Origin.Assets else Origin.Pushed(File(request.bundle))
        return library.source(origin).use { check(BundleReader.open(it), Steps(), request.threads) }
    }

    /** The file to write: in one of the app's folders and nowhere else, whoever asks. */
    private fun out(name: String): File {
        val own = folders().map { it.canonicalFile }
        val asked = File(name.ifEmpty { DEFAULT })
        val file = (if (asked.isAbsolute) asked else File(own.first(), asked.path)).canonicalFile
        if (own.none { file.path.startsWith(it.path + File.separator) }) {
            val folders = own.joinToString(" or ")
            throw IOException("`$name` is outside of the app's folders; a file in $folders can be written.")
        }
        file.parentFile?.mkdirs()
        return file
    }

    private inner class Steps : Progress {
        override fun step(done: Int, total: Int, now: String) {
            Log.i(TAG, "step $done/$total $now")
            background.onMain {
                this@HeadlessState.now = "$done/$total\n$now"
                changed()
            }
        }
    }

    companion object {
        const val TAG = "edge-export"
        const val RUN = "self-check"
        const val DONE = "self-check done"
        const val FAILED = "self-check failed"
        private const val DEFAULT = "self-check.json"
        private const val MOST_THREADS = 16
    }
}
