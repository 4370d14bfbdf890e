package dev.edgeexport.demo

import android.content.res.ColorStateList
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.ProgressBar
import android.widget.Spinner
import android.widget.TextView
import dev.edgeexport.core.bundle.ArtifactEntry
import dev.edgeexport.core.check.Outcome

/** Small pieces that several screens are made of. */
fun View.text(id: Int): TextView = findViewById(id)

fun View.showIf(shown: Boolean) {
    visibility = if (shown) View.VISIBLE else View.GONE
}

/** Shows some text, or takes no room where there is none. */
fun TextView.say(text: CharSequence) {
    this.text = text
    showIf(text.isNotEmpty())
}

/** Gives a group one child of [layout] for each of [items], keeping those that are there. */
fun <T> ViewGroup.fill(layout: Int, items: List<T>, bind: (View, T) -> Unit) {
    while (childCount > items.size) removeViewAt(childCount - 1)
    while (childCount < items.size) LayoutInflater.from(context).inflate(layout, this, true)
    items.forEachIndexed { index, item -> bind(getChildAt(index), item) }
}

/** What a user reads for an outcome. */
val Outcome.word
    get() = when (this) {
        Outcome.PASSED -> R.string.passed
        Outcome.FAILED -> R.string.failed
        Outcome.CRASHED -> R.string.crashed
        Outcome.TIMED_OUT -> R.string.timed_out
        Outcome.UNDECIDED -> R.string.undecided
        Outcome.UNSUPPORTED -> R.string.unsupported
        Outcome.NOT_RUN -> R.string.not_run
        Outcome.BLOCKED -> R.string.blocked
    }

/** An outcome, in words and colours. */
fun TextView.badge(outcome: Outcome) {
    val (colour, ground) = when (outcome) {
        Outcome.PASSED -> R.color.passed to R.color.passed_ground
        Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT -> R.color.failed to R.color.failed_ground
        Outcome.UNDECIDED -> R.color.unsure to R.color.unsure_ground
        Outcome.UNSUPPORTED, Outcome.NOT_RUN, Outcome.BLOCKED -> R.color.absent to R.color.absent_ground
    }
    setText(outcome.word)
    setTextColor(context.getColor(colour))
    backgroundTintList = ColorStateList.valueOf(context.getColor(ground))
}

/** A class and its share, 0..1, as a bar. */
fun View.bar(title: String, share: Double, figure: String) {
    text(R.id.title).text = title
    text(R.id.first).text = figure
    findViewById<ProgressBar>(R.id.bar).progress = (share * 1000).toInt().coerceIn(0, 1000)
    contentDescription = "$title, $figure"
}

/** One line of a table: a name and one or two figures. */
fun View.figures(title: String, first: String, second: String? = null) {
    text(R.id.title).text = title
    text(R.id.first).text = first
    text(R.id.second).say(second.orEmpty())
}

/** Offers [items] by their names and tells which one is taken; what is set here is not told. */
fun <T> Spinner.offer(items: List<T>, chosen: T?, name: (T) -> String, taken: (T) -> Unit) {
    val names = items.map(name)
    onItemSelectedListener = null
    val shown = (0 until (adapter?.count ?: 0)).map { adapter.getItem(it) }
    if (shown != names) {
        adapter = ArrayAdapter(context, R.layout.choice_shown, names).apply {
            setDropDownViewResource(R.layout.choice_offered)
        }
    }
    val index = items.indexOf(chosen).coerceAtLeast(0)
    if (selectedItemPosition != index) setSelection(index, false)
    isEnabled = items.size > 1
    onItemSelectedListener = object : AdapterView.OnItemSelectedListener {
        override fun onItemSelected(parent: AdapterView<*>, view: View?, position: Int, id: Long) {
            if (items[position] != chosen) taken(items[position])
        }

        override fun onNothingSelected(parent: AdapterView<*>) = Unit
    }
}

/** Between the words of a line; it never begins one. */
const val DOT = "\u00a0· "

/** What tells artifacts of one bundle apart. */
val ArtifactEntry.short get() = "$precision$DOT$route$DOT$framework"
