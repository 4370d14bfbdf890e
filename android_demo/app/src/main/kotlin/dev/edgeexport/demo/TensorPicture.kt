package dev.edgeexport.demo

import android.content.res.Resources
import android.graphics.Bitmap
import android.graphics.drawable.BitmapDrawable
import android.graphics.drawable.Drawable
import dev.edgeexport.core.tensor.Tensor
import dev.edgeexport.core.tensor.TensorSpec

/** Pictures of tensors, for people to look at. */
object TensorPicture {
    /**
     * An image input as a picture; null where it is no image.
     *
     * Values are taken as they are where they are raw pixels; else their own range is spread from black to white.
     */
    fun of(tensor: Tensor, spec: TensorSpec): Bitmap? {
        val axes = spec.layout.withIndex().associate { (index, axis) -> axis to index }
        val y = axes['H'] ?: return null
        val x = axes['W'] ?: return null
        val c = axes['C']
        val channels = c?.let { tensor.shape[it] } ?: 1
        if (tensor.shape.size != spec.layout.length || channels !in setOf(1, 3)) return null
        val width = tensor.shape[x]
        val height = tensor.shape[y]
        val steps = IntArray(tensor.shape.size)
        tensor.shape.indices.reversed().fold(1) { step, axis ->
            steps[axis] = step
            step * tensor.shape[axis]
        }
        val scale = Scale.of(tensor)
        val colours = IntArray(width * height) { pixel ->
            val at = pixel / width * steps[y] + pixel % width * steps[x]
            val red = scale.byte(tensor[at])
            if (channels == 1) return@IntArray rgb(red, red, red)
            rgb(red, scale.byte(tensor[at + steps[c!!]]), scale.byte(tensor[at + 2 * steps[c]]))
        }
        return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
    }

    private fun rgb(red: Int, green: Int, blue: Int) = 0xff shl 24 or (red shl 16) or (green shl 8) or blue

    private class Scale(private val least: Double, private val range: Double) {
        fun byte(value: Double) = ((value - least) / range * 255).toInt().coerceIn(0, 255)

        companion object {
            fun of(tensor: Tensor): Scale {
                val values = tensor.toDoubles().filter { it.isFinite() }
                val least = values.minOrNull() ?: 0.0
                val greatest = values.maxOrNull() ?: 1.0
                if (least >= 0 && greatest in 1.5..255.0) return Scale(0.0, 255.0)
                return Scale(least, if (greatest > least) greatest - least else 1.0)
            }
        }
    }
}

/** A small picture shown large keeps its pixels' edges, so that one sees what the model sees. */
fun Bitmap.sharp(resources: Resources): Drawable =
    BitmapDrawable(resources, this).apply { setFilterBitmap(width > 200) }
