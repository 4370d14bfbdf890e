package dev.edgeexport.core.run

import dev.edgeexport.core.TestBundle
import dev.edgeexport.core.bundle.ManifestParser
import dev.edgeexport.core.check.Outcome
import dev.edgeexport.core.engine.Engine
import dev.edgeexport.core.engine.EngineDevice
import dev.edgeexport.core.engine.EngineException
import dev.edgeexport.core.engine.ModelFile
import dev.edgeexport.core.engine.OnnxEngine
import dev.edgeexport.core.engine.Session
import dev.edgeexport.core.engine.TfLiteEngine
import dev.edgeexport.core.tensor.Tensor
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class SelfCheckTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val bundle by lazy { TestBundle(temporary.newFolder("bundle")) }
    private val place = Place("android", "Pixel")
    private val plenty = Memory { Long.MAX_VALUE }

    @Test
    fun `every artifact runs on every engine that opens it`() {
        val told = mutableListOf<String>()
        val progress = object : Progress {
            override fun step(done: Int, total: Int, now: String) {
                told += "$done/$total $now"
            }
        }
        val results = SelfCheck(bundle.open(), listOf(TfLiteEngine(), OnnxEngine()), place).run(progress)
        assertEquals(listOf("android[Pixel,tflite]", "android[Pixel,onnxruntime]"), results.map { it.cell.runtime })
        assertEquals(listOf(Outcome.PASSED, Outcome.PASSED), results.map { it.cell.outcome })
        assertEquals(20, results[0].worst!!.inputs.getValue("x").size * 20 / 6)
        assertNotNull(results[0].cell.metric("latency.latency_ms_p50"))
        assertEquals("0/2 affine.tflite on android[Pixel,tflite]", told.first())
        assertEquals("2/2 ", told.last())
    }

    @Test
    fun `files that no engine opens are shown with the reason`() {
        bundle.put("affine.pte", ByteArray(5))
        bundle.edit {
            val entry = JSONObject(getJSONArray("artifacts").getJSONObject(0).toString()).put("file", "affine.pte").put("format", "executorch")
            entry.put("sha256", getJSONObject("files").getJSONObject("affine.pte").getString("sha256"))
            put("artifacts", JSONArray(listOf(entry)))
        }
        val cell = SelfCheck(bundle.open(), listOf(TfLiteEngine()), place).run().single().cell
        assertEquals(Outcome.NOT_RUN, cell.outcome)
        assertEquals(listOf("parity: no engine of this app opens executorch files; the Gradle build of the app brings ExecuTorch"), cell.reasons)
    }

    @Test
    fun `an engine or device that is not here says so`() {
        val away = listOf(Fake(missing = "no library in this APK"), Fake(device = EngineDevice("gpu", "no GPU here")))
        val reasons = away.map { SelfCheck(bundle.open(), listOf(it), place).run().first().cell.reasons.single() }
        assertEquals(listOf("parity: no library in this APK", "parity: no GPU here"), reasons)
    }

    @Test
    fun `too little memory is told before a model is opened`() {
        val cell = SelfCheck(bundle.open(), listOf(Fake()), place, memory = { 100 }).run().first().cell
        assertEquals(Outcome.NOT_RUN, cell.outcome)
        assertTrue(cell.reasons.single(), "of memory and 1 kB are free; close other apps" in cell.reasons.single())
    }

    @Test
    fun `what engines refuse is UNSUPPORTED or FAILED, and the next row goes on`() {
        val engine = Fake(before = { throw EngineException("no kernel", unsupported = it.name.endsWith("tflite")) })
        assertEquals(listOf(Outcome.UNSUPPORTED, Outcome.FAILED), SelfCheck(bundle.open(), listOf(engine), place).run().map {
            it.cell.outcome
        })
        val memory = Fake(before = { throw OutOfMemoryError() })
        assertEquals(Outcome.CRASHED, SelfCheck(bundle.open(), listOf(memory), place).run().first().cell.outcome)
    }

    @Test
    fun `wrong numbers fail, with the worst sample`() {
        val engine =
            Fake(session = { sample, call ->
                if (call == 4) Tensor.of(FloatArray(6), 1, 2, 3) else twicePlusOne(sample)
            })
        val result = SelfCheck(bundle.open(), listOf(engine), place).run().first()
        assertEquals(Outcome.FAILED, result.cell.outcome)
        assertEquals(4, result.worst!!.index)
        assertEquals(0.0, result.worst!!.got.getValue("y")[0], 0.0)
    }

    @Test
    fun `a cancelled run keeps what was finished`() {
        var calls = 0
        val progress = object : Progress {
            override fun cancelled() = ++calls > 30
        }
        val results = SelfCheck(bundle.open(), listOf(Fake()), place).run(progress)
        assertEquals(1, results.size)
    }

    @Test
    fun `a benchmark tells the first call apart and stops when it is asked`() {
        val opened = bundle.open()
        val row = SelfCheck(opened, listOf(TfLiteEngine()), place).rows.first()
        val told = mutableListOf<TimedCall>()
        val result = Benchmark(opened, plenty).run(row, BenchmarkPlan(warmUp = 2, calls = 30), told = { told += it })!!
        assertEquals(30, result.calls.size)
        assertEquals(told, result.calls)
        assertTrue(result.p50 <= result.p90 && result.p90 <= result.p99 && result.firstMs > 0)
        assertEquals(5, result.overTime(5).size)
        val stopped = object : Progress {
            override fun cancelled() = true
        }
        assertNull(Benchmark(opened, plenty).run(row, BenchmarkPlan(), stopped))
    }

    @Test
    fun `a race says which of two is faster`() {
        val opened = bundle.open()
        val fast = Fake()
        val slow = Fake(session = { sample, _ -> Thread.sleep(1); twicePlusOne(sample) })
        val entry = opened.artifacts.first()
        val race = Race(opened, Row(entry, fast, fast.devices[0]), Row(entry, slow, slow.devices[0]), plenty)
        val found = race.run(RacePlan(warmUp = 0, calls = 1, pairs = 2, seconds = 3.0))!!
        assertEquals("faster", found.decision)
        assertTrue(found.says, found.says.startsWith("faster by"))
    }

    @Test
    fun `quantiles are numpy's`() {
        assertEquals(2.5, Quantile.of(doubleArrayOf(4.0, 1.0, 2.0, 3.0), 0.5), 0.0)
        assertEquals(3.7, Quantile.of(doubleArrayOf(4.0, 1.0, 2.0, 3.0), 0.9), 1e-12)
    }

    private class Fake(
        override val missing: String = "",
        device: EngineDevice = EngineDevice("cpu"),
        private val session: (Tensor, Int) -> Tensor = { sample, _ -> twicePlusOne(sample) },
        private val before: (ModelFile) -> Unit = {},
    ) : Engine {
        override val name = "fake"
        override val version = "1.0"
        override val formats = setOf("tflite", "onnx")
        override val devices = listOf(device)

        override fun open(model: ModelFile, device: String, threads: Int): Session {
            before(model)
            var calls = 0
            return object : Session {
                override val signature = ManifestParser.signature(JSONObject(TestBundle.OPEN))
                override val loadMs = 0.0
                override fun run(inputs: Map<String, Tensor>) = mapOf("y" to session(inputs.getValue("x"), calls++))
                override fun close() {}
            }
        }
    }

    private companion object {
        fun twicePlusOne(x: Tensor) = Tensor.of(FloatArray(x.size) { (x[it] * 2 + 1).toFloat() }, *x.shape)
    }
}
