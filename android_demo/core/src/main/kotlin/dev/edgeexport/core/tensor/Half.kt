package dev.edgeexport.core.tensor

/** IEEE 754 binary16, which Java has no type for. */
internal fun halfToDouble(bits: Short): Double {
    val all = bits.toInt()
    val exponent = all shr 10 and 0x1f
    val fraction = all and 0x3ff
    val magnitude = when (exponent) {
        0 -> Math.scalb(fraction.toDouble(), -24)
        31 -> if (fraction == 0) Double.POSITIVE_INFINITY else Double.NaN
        else -> Math.scalb(1024.0 + fraction, exponent - 25)
    }
    return if (all and 0x8000 == 0) magnitude else -magnitude
}

/** Rounded to the nearest, ties to even; beyond 65,504 infinite. */
internal fun doubleToHalf(value: Double): Short {
    val sign = if (value < 0 || 1 / value < 0) 0x8000 else 0
    val size = Math.abs(value)
    val bits = when {
        value.isNaN() -> 0x7e00
        size >= 65520.0 -> 0x7c00
        size < Math.scalb(1.0, -14) -> Math.rint(Math.scalb(size, 24)).toInt()
        else -> {
            val exponent = Math.getExponent(size)
            ((exponent + 14) shl 10) + Math.rint(Math.scalb(size, 10 - exponent)).toInt()
        }
    }
    return (sign or bits).toShort()
}
