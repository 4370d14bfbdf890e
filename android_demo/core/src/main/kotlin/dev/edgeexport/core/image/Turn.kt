package dev.edgeexport.core.image

/** A picture turned upright, by the orientation that its EXIF notes. */
object Turn {
    fun upright(picture: Pixels, orientation: Int): Pixels {
        if (orientation == 1) return picture
        val (w, h) = picture.width to picture.height
        val sideways = orientation >= 5
        val width = if (sideways) h else w
        val height = if (sideways) w else h
        val values = ByteArray(picture.values.size)
        for (y in 0 until height) for (x in 0 until width) {
            val from = when (orientation) {
                2 -> y * w + (w - 1 - x)
                3 -> (h - 1 - y) * w + (w - 1 - x)
                4 -> (h - 1 - y) * w + x
                5 -> x * w + y
                6 -> (h - 1 - x) * w + y
                7 -> (h - 1 - x) * w + (w - 1 - y)
                else -> x * w + (w - 1 - y)
            }
            val to = y * width + x
            for (c in 0 until picture.channels) {
                values[to * picture.channels + c] = picture.values[from * picture.channels + c]
            }
        }
        return Pixels(width, height, picture.channels, values)
    }
}
