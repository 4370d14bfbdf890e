package dev.edgeexport.demo

import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.os.Bundle
import android.provider.MediaStore
import android.view.View
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.Spinner

/** A sample, a drawing, a photo or a picture of the gallery, through two artifacts side by side. */
class ClassifyActivity : Screen() {
    override val shown get() = listOf(app.classify)
    private val state get() = app.classify
    private val pad get() = findViewById<DrawView>(R.id.pad)
    private val files by lazy { PictureFiles(this) }

    /** Whether the pad is shown instead of the picture. */
    private var drawing = false

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent(R.layout.classify)
        findViewById<View>(R.id.from_samples).setOnClickListener {
            draw(drawing = false) { state.samples.firstOrNull()?.let(state::show) }
        }
        findViewById<View>(R.id.from_pad).setOnClickListener { draw(drawing = true) { pad.clear() } }
        findViewById<View>(R.id.from_camera).setOnClickListener { openCamera() }
        findViewById<View>(R.id.from_gallery).setOnClickListener { openGallery() }
        pad.drawn = { state.show(Picture.Taken(it.pixels(), getString(R.string.drawing))) }
        savedInstanceState?.let(::restore)
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putBoolean(DRAWING, drawing)
        state.sides.forEachIndexed { index, side ->
            side.choice?.let { outState.putStringArray("$SIDE$index", it.words) }
        }
        when (val picture = state.picture) {
            is Picture.Sample -> outState.putInt(SAMPLE, picture.index)
            is Picture.Taken -> outState.putString(TAKEN, picture.name)
            null -> Unit
        }
    }

    /** After the process ended, takes up what was chosen; after a rotation it is still there. */
    private fun restore(saved: Bundle) {
        drawing = saved.getBoolean(DRAWING)
        if (state.picture != null) return
        val choices = state.sides.indices.map { saved.getStringArray("$SIDE$it")?.let(Choice::of) }
        val taken = saved.getString(TAKEN)
        state.resume(choices, if (saved.containsKey(SAMPLE)) saved.getInt(SAMPLE) else null)
        if (taken != null && !drawing) state.take(taken, files::last)
    }

    override fun onRestoreInstanceState(savedInstanceState: Bundle) {
        super.onRestoreInstanceState(savedInstanceState)
        if (drawing && state.picture !is Picture.Taken) pad.tell()
    }

    override fun draw() {
        val root = findViewById<View>(R.id.root)
        actionBar?.subtitle = app.bundles.bundle?.manifest?.model
        drawPicture(root)
        root.text(R.id.fault).say(noBundle.ifEmpty { state.fault })
        for (id in OWN_PICTURES) findViewById<View>(id).showIf(state.takesPictures)
        findViewById<LinearLayout>(R.id.strip).fill(R.layout.sample, state.samples) { view, sample ->
            offer(view, sample)
        }
        findViewById<View>(R.id.strip_scroll).showIf(!drawing && state.samples.isNotEmpty())
        drawSide(0, findViewById(R.id.side_a))
        drawSide(1, findViewById(R.id.side_b))
    }

    private fun drawPicture(root: View) {
        pad.showIf(drawing)
        val view = findViewById<ImageView>(R.id.picture)
        view.showIf(!drawing)
        view.setImageDrawable(if (drawing) null else state.picture?.let { files.picture(it) })
        val note = if (state.takesPictures || noBundle.isNotEmpty()) "" else getString(R.string.no_picture)
        val name = if (drawing) getString(R.string.drawing) else state.picture?.let(::name).orEmpty()
        root.text(R.id.picture_name).say(listOf(name, note).filter { it.isNotEmpty() }.joinToString("\n"))
    }

    private fun name(picture: Picture) = when (picture) {
        is Picture.Taken -> picture.name
        is Picture.Sample -> {
            val label = label(picture)
            if (label == null) getString(R.string.sample, picture.index)
            else getString(R.string.sample_labelled, picture.index, label)
        }
    }

    private fun label(sample: Picture.Sample): String? {
        val bundle = app.bundles.bundle ?: return null
        return bundle.labels.getOrNull(bundle.golden(sample.framework).label[sample.index].toInt())
    }

    private fun offer(view: View, sample: Picture.Sample) {
        (view as ImageView).setImageDrawable(files.picture(sample))
        view.contentDescription = name(sample)
        view.isSelected = sample == state.picture
        view.setOnClickListener { state.show(sample) }
    }

    private fun drawSide(index: Int, view: View) {
        val side = state.sides[index]
        val artifacts = view.findViewById<Spinner>(R.id.artifact)
        artifacts.contentDescription = getString(R.string.artifact)
        artifacts.offer(state.artifacts, state.entry(index), { it.short }) {
            state.choose(index, side.choice?.copy(artifact = it.file))
        }
        val runtimes = view.findViewById<Spinner>(R.id.runtime)
        runtimes.contentDescription = getString(R.string.runtime)
        runtimes.offer(state.runtimes(index), side.choice?.runtime, { it.title }) {
            state.choose(index, side.choice?.copy(runtime = it))
        }
        val answer = side.answer
        view.findViewById<LinearLayout>(R.id.top).fill(R.layout.bar, answer?.top.orEmpty()) { bar, ranked ->
            val label = answer!!.labels.getOrNull(ranked.index) ?: getString(R.string.class_number, ranked.index)
            bar.bar(label, ranked.share, Figures.percent(ranked.share))
        }
        view.text(R.id.latency).say(words(side))
    }

    private fun words(side: Side) = when {
        noBundle.isNotEmpty() -> ""
        side.choice == null -> getString(R.string.none_runs)
        side.fault.isNotEmpty() -> side.fault
        side.answer == null -> ""
        side.answer!!.top.isEmpty() -> getString(R.string.no_classes)
        else -> getString(R.string.one_call, Figures.milliseconds(side.answer!!.callMs))
    }

    private fun draw(drawing: Boolean, then: () -> Unit) {
        this.drawing = drawing
        then()
        draw()
    }

    private fun openCamera() = app.background.quick({ files.photo() }) { result ->
        result.onFailure { state.refuse(sentence(it)) }.onSuccess {
            val uri = Sharing.uri(it)
            val capture = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, uri)
                .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
            capture.clipData = ClipData.newRawUri("", uri)
            ask(capture, CAMERA, R.string.no_camera)
        }
    }

    private fun openGallery() = ask(Intent(Intent.ACTION_GET_CONTENT).setType("image/*"), GALLERY, R.string.no_gallery)

    private fun ask(intent: Intent, code: Int, nobody: Int) = try {
        @Suppress("DEPRECATION") // its successor is AndroidX's
        startActivityForResult(intent, code)
    } catch (_: ActivityNotFoundException) {
        state.refuse(getString(nobody))
    } catch (_: SecurityException) { // a phone's owner may forbid the camera
        state.refuse(getString(nobody))
    }

    @Deprecated("its successor is AndroidX's")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        if (resultCode != RESULT_OK) return
        val uri = data?.data
        drawing = false
        when {
            requestCode == CAMERA -> state.take(getString(R.string.photo)) { files.taken() }
            uri != null -> state.take(getString(R.string.from_file)) { files.read(uri) }
        }
    }

    private companion object {
        const val CAMERA = 1
        const val GALLERY = 2
        const val DRAWING = "drawing"
        const val SIDE = "side"
        const val SAMPLE = "sample"
        const val TAKEN = "taken"
        val OWN_PICTURES = listOf(R.id.from_pad, R.id.from_camera, R.id.from_gallery)
    }
}
