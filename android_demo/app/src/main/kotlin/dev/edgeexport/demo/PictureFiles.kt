package dev.edgeexport.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.drawable.Drawable
import android.net.Uri
import dev.edgeexport.core.image.Pixels
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer

/** The pictures that a user takes or chooses, as files and as something to look at. */
class PictureFiles(private val context: Context) {
    private val app = context.applicationContext as DemoApp

    /** Where the camera is to write to; nothing is there yet. */
    fun photo(): File = Sharing.file(context, "photo.jpg").also { it.delete() }

    /** What the camera wrote. */
    fun taken(): ByteBuffer = keep(Sharing.file(context, "photo.jpg").inputStream().use(::all))

    /** A picture that another app lends. */
    fun read(uri: Uri): ByteBuffer = try {
        val stream = context.contentResolver.openInputStream(uri)
            ?: throw IOException(context.getString(R.string.no_answer))
        keep(stream.use(::all))
    } catch (error: SecurityException) {
        throw IOException(context.getString(R.string.refused), error)
    }

    /** The last picture that was taken or chosen, by this process or an earlier one. */
    fun last(): ByteBuffer = ByteBuffer.wrap(lastFile().readBytes())

    /** All of a stream, as long as that is no more than a picture may have. */
    private fun all(stream: InputStream): ByteArray {
        val bytes = ByteArrayOutputStream()
        val piece = ByteArray(1 shl 16)
        while (true) {
            val count = stream.read(piece)
            if (count < 0) return bytes.toByteArray()
            if (bytes.size() + count > MOST_MEGABYTES * 1_000_000) {
                throw IOException(context.getString(R.string.too_large, MOST_MEGABYTES))
            }
            bytes.write(piece, 0, count)
        }
    }

    private fun keep(bytes: ByteArray): ByteBuffer {
        replace(lastFile(), bytes)
        return ByteBuffer.wrap(bytes)
    }

    private fun lastFile() = File(context.cacheDir, "picture")

    /** A picture to look at; null where a sample is no picture. */
    fun picture(picture: Picture): Drawable? = when (picture) {
        is Picture.Taken -> picture.pixels.bitmap().sharp(context.resources)
        is Picture.Sample -> sample(picture)?.sharp(context.resources)
    }

    private fun sample(picture: Picture.Sample): Bitmap? {
        val pack = app.bundles.bundle?.golden(picture.framework) ?: return null
        val inputs = pack.sample(picture.index)
        return pack.signature.inputs.firstNotNullOfOrNull { TensorPicture.of(inputs.getValue(it.name), it) }
    }
}

/** At most [MOST_SHOWN] pixels a side, every nth of a larger picture. */
private fun Pixels.bitmap(): Bitmap {
    val step = maxOf(1, (maxOf(width, height) + MOST_SHOWN - 1) / MOST_SHOWN)
    val (wide, high) = maxOf(1, width / step) to maxOf(1, height / step)
    val colours = IntArray(wide * high) { pixel ->
        val at = (pixel / wide * step * width + pixel % wide * step) * channels
        fun value(channel: Int) = values[at + minOf(channel, channels - 1)].toInt() and 0xff
        0xff shl 24 or (value(0) shl 16) or (value(1) shl 8) or value(2)
    }
    return Bitmap.createBitmap(colours, wide, high, Bitmap.Config.ARGB_8888)
}

private const val MOST_SHOWN = 512
private const val MOST_MEGABYTES = 100

/** What was drawn, white on black, as the pad shows it. */
fun Strokes.pixels(): Pixels {
    val bitmap = Bitmap.createBitmap(PAD, PAD, Bitmap.Config.ARGB_8888)
    bitmap.eraseColor(0xff shl 24)
    val ink = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = -1
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
    }
    draw(Canvas(bitmap), PAD, ink)
    val colours = IntArray(PAD * PAD)
    bitmap.getPixels(colours, 0, PAD, 0, 0, PAD, PAD)
    return Pixels(PAD, PAD, 1, ByteArray(colours.size) { colours[it].toByte() })
}

private const val PAD = 256
