package dev.edgeexport.demo

import android.content.Context
import android.util.AttributeSet
import android.widget.LinearLayout

/** A column that stays readable on a tablet: never wider than `R.dimen.widest`. */
class Column(context: Context, attributes: AttributeSet) : LinearLayout(context, attributes) {
    private val widest = resources.getDimensionPixelSize(R.dimen.widest)

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val width = MeasureSpec.getSize(widthMeasureSpec)
        val spec = if (width > widest) MeasureSpec.makeMeasureSpec(widest, MeasureSpec.EXACTLY) else widthMeasureSpec
        super.onMeasure(spec, heightMeasureSpec)
    }
}
