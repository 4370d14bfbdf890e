package dev.edgeexport.demo

import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Bundle
import android.view.View
import android.widget.ImageView
import android.widget.LinearLayout
import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.check.Outcome
import dev.edgeexport.core.engine.Engine

/** The first screen: which bundle is open, what is in it, and what can be done with it. */
class HomeActivity : Screen() {
    override val shown get() = listOf(app.bundles, app.engines)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent(R.layout.home, home = true)
        findViewById<View>(R.id.open_zip).setOnClickListener { pickZip() }
        findViewById<View>(R.id.open_other).setOnClickListener { offerOthers() }
        task<SelfCheckActivity>(R.id.task_check, R.drawable.ic_check, R.string.self_check, R.string.self_check_text)
        task<ClassifyActivity>(R.id.task_classify, R.drawable.ic_classify, R.string.classify, R.string.classify_text)
        task<BenchmarkActivity>(R.id.task_benchmark, R.drawable.ic_bench, R.string.benchmark, R.string.benchmark_text)
    }

    override fun onStart() {
        super.onStart()
        app.bundles.look()
    }

    override fun draw() {
        val state = app.bundles
        val root = findViewById<View>(R.id.root)
        val bundle = state.bundle
        root.text(R.id.bundle_name).text =
            bundle?.manifest?.model ?: getString(if (state.opening) R.string.opening else R.string.no_bundle)
        val none = if (state.empty) getString(R.string.came_without) else ""
        root.text(R.id.bundle_summary).say(bundle?.let(::summary) ?: none)
        root.text(R.id.bundle_where).say(bundle?.where?.let { getString(R.string.from, it) }.orEmpty())
        root.text(R.id.fault).say(fault(state))
        root.findViewById<View>(R.id.opening).showIf(state.opening)
        for (task in TASKS) findViewById<View>(task).isEnabled = bundle != null
        findViewById<LinearLayout>(R.id.artifacts).fill(R.layout.item, bundle?.artifacts.orEmpty(), ::artifact)
        findViewById<LinearLayout>(R.id.engines).fill(R.layout.item, app.engines.engines, ::engine)
        for (id in listOf(R.id.artifacts, R.id.artifacts_title)) findViewById<View>(id).showIf(bundle != null)
    }

    private fun summary(bundle: dev.edgeexport.core.bundle.Bundle): String {
        val golden = bundle.manifest.golden.keys.sumOf { bundle.golden(it).samples }
        return listOf(
            count(R.plurals.artifacts, bundle.artifacts.size),
            count(R.plurals.classes, bundle.labels.size),
            count(R.plurals.samples, golden),
        ).filter { it.isNotEmpty() }.joinToString(DOT)
    }

    private fun count(name: Int, number: Int) =
        if (number == 0) "" else resources.getQuantityString(name, number, number)

    private fun fault(state: BundleState) = when {
        state.fault.isEmpty() -> ""
        state.bundle == null -> state.fault
        else -> state.fault + "\n" + getString(R.string.stays, state.bundle!!.manifest.model)
    }

    private fun artifact(view: View, entry: ArtifactEntry) {
        view.text(R.id.title).text = entry.short
        view.text(R.id.text).text = getString(R.string.artifact_text, Figures.bytes(entry.sizeBytes), entry.file)
        view.text(R.id.badge).badge(Outcome.valueOf(entry.outcome))
    }

    private fun engine(view: View, engine: Engine) {
        view.text(R.id.title).text = "${engine.name} ${engine.version}".trim()
        val absent = engine.devices.filter { it.missing.isNotEmpty() }.map { "${it.name}: ${it.missing}" }
        val there = engine.devices.filter { it.missing.isEmpty() }.joinToString { it.name }
        view.text(R.id.text).text = engine.missing.ifEmpty {
            (listOf(there) + absent).filter { it.isNotEmpty() }.joinToString("\n")
        }
        val badge = view.text(R.id.badge)
        badge.badge(if (engine.missing.isEmpty()) Outcome.PASSED else Outcome.NOT_RUN)
        badge.setText(if (engine.missing.isEmpty()) R.string.ready else R.string.absent)
    }

    private inline fun <reified S : Screen> task(id: Int, icon: Int, title: Int, text: Int) {
        val view = findViewById<View>(id)
        view.findViewById<ImageView>(R.id.icon).setImageResource(icon)
        view.text(R.id.title).setText(title)
        view.text(R.id.text).setText(text)
        view.setOnClickListener { startActivity(Intent(this, S::class.java)) }
    }

    private fun pickZip() {
        val pick = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
            .putExtra(Intent.EXTRA_MIME_TYPES, ZIP_TYPES)
        try {
            @Suppress("DEPRECATION") // its successor is AndroidX's
            startActivityForResult(pick, ZIP)
        } catch (_: ActivityNotFoundException) {
            AlertDialog.Builder(this).setMessage(R.string.no_picker).setPositiveButton(android.R.string.ok, null).show()
        }
    }

    @Deprecated("its successor is AndroidX's")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        val uri = data?.data
        if (requestCode != ZIP || resultCode != RESULT_OK || uri == null) return
        app.bundles.receive { app.library.receive(uri) }
    }

    private fun offerOthers() {
        val origins = listOf(Origin.Assets) + app.bundles.pushed
        val names = origins.map { if (it is Origin.Pushed) it.file.name else getString(R.string.own_bundle) }
        AlertDialog.Builder(this)
            .setTitle(R.string.open_other)
            .setItems(names.toTypedArray()) { _, index -> app.bundles.open(origins[index]) }
            .setNegativeButton(android.R.string.cancel, null)
            .show()
    }

    private companion object {
        const val ZIP = 1
        val ZIP_TYPES = arrayOf("application/zip", "application/x-zip-compressed", "application/octet-stream")
        val TASKS = listOf(R.id.task_check, R.id.task_classify, R.id.task_benchmark)
    }
}
