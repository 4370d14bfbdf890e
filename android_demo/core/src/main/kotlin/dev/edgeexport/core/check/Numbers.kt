package dev.edgeexport.core.check

import java.math.BigDecimal
import java.math.MathContext
import java.math.RoundingMode

/** A number as C's `%.<digits>g` writes it: reasons read the same in every language. */
internal fun general(value: Double, digits: Int = 6): String {
    if (value.isNaN()) return "nan"
    if (value.isInfinite()) return if (value > 0) "inf" else "-inf"
    if (value == 0.0) return "0"
    val rounded = BigDecimal(value).round(MathContext(digits, RoundingMode.HALF_EVEN))
    val exponent = rounded.precision() - rounded.scale() - 1
    if (exponent < -4 || exponent >= digits) {
        val mantissa = rounded.movePointLeft(exponent).stripTrailingZeros().toPlainString()
        val sign = if (exponent < 0) "-" else "+"
        return "${mantissa}e$sign${Math.abs(exponent).toString().padStart(2, '0')}"
    }
    return rounded.stripTrailingZeros().toPlainString()
}

/** A share as `12.34%`. */
internal fun percent(share: Double, decimals: Int = 2): String =
    BigDecimal(share).movePointRight(2).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString() + "%"

/** A shape as Python writes one: `(64, 1, 10)`, `(64,)`. */
internal fun tuple(shape: List<Any?>): String = when (shape.size) {
    1 -> "(${shape[0]},)"
    else -> shape.joinToString(", ", "(", ")") { it?.toString() ?: "None" }
}
