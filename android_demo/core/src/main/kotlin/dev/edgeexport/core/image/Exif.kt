package dev.edgeexport.core.image

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The orientation that a JPEG or PNG notes in its EXIF: 1 to 8 as the standard numbers them, 1 where it notes none. */
object Exif {
    private const val ORIENTATION = 0x0112
    private const val PNG_SIGNATURE = 0x89504e470d0a1a0aUL

    fun orientation(file: ByteBuffer): Int = try {
        val all = file.duplicate().order(ByteOrder.BIG_ENDIAN).apply { clear() }
        val found = when {
            all.capacity() < 12 -> null
            all.getShort(0).toInt() and 0xffff == 0xffd8 -> jpeg(all)
            all.getLong(0).toULong() == PNG_SIGNATURE -> png(all)
            else -> null
        }
        found?.takeIf { it in 1..8 } ?: 1
    } catch (error: IndexOutOfBoundsException) {
        1
    } catch (error: IllegalArgumentException) {
        1
    }

    private fun jpeg(all: ByteBuffer): Int? {
        var at = 2
        while (at + 4 <= all.capacity()) {
            val marker = all.getShort(at).toInt() and 0xffff
            val length = all.getShort(at + 2).toInt() and 0xffff
            if (marker and 0xff00 != 0xff00 || marker == 0xffda) return null
            if (marker == 0xffe1 && all.getInt(at + 4) == 0x45786966) return tiff(all, at + 10)
            at += 2 + length
        }
        return null
    }

    private fun png(all: ByteBuffer): Int? {
        var at = 8
        while (at + 12 <= all.capacity()) {
            val length = all.getInt(at)
            if (length < 0) return null
            if (all.getInt(at + 4) == 0x65584966) return tiff(all, at + 8) // eXIf
            at += 12 + length
        }
        return null
    }

    private fun tiff(all: ByteBuffer, start: Int): Int? {
        val order = if (all.getShort(start).toInt() == 0x4949) ByteOrder.LITTLE_ENDIAN else ByteOrder.BIG_ENDIAN
        val view = all.duplicate().order(order)
        val directory = start + view.getInt(start + 4)
        val count = view.getShort(directory).toInt() and 0xffff
        for (i in 0 until count) {
            val entry = directory + 2 + 12 * i
            if (view.getShort(entry).toInt() and 0xffff == ORIENTATION) return view.getShort(entry + 8).toInt()
        }
        return null
    }
}
