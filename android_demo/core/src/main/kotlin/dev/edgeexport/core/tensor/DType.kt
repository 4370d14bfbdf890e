package dev.edgeexport.core.tensor

/** The type of a tensor's values. [label] is its name in manifests, [safetensors] that in a golden pack. */
enum class DType(val label: String, val safetensors: String, val bytes: Int) {
    FLOAT64("float64", "F64", 8),
    FLOAT32("float32", "F32", 4),
    FLOAT16("float16", "F16", 2),
    INT64("int64", "I64", 8),
    INT32("int32", "I32", 4),
    INT16("int16", "I16", 2),
    INT8("int8", "I8", 1),
    UINT64("uint64", "U64", 8),
    UINT32("uint32", "U32", 4),
    UINT16("uint16", "U16", 2),
    UINT8("uint8", "U8", 1),
    BOOL("bool", "BOOL", 1);

    val isFloat get() = this == FLOAT64 || this == FLOAT32 || this == FLOAT16
    val isInteger get() = !isFloat && this != BOOL

    /** The least value of an integer type. */
    val least: Long
        get() = when (this) {
            INT64 -> Long.MIN_VALUE
            INT32 -> Int.MIN_VALUE.toLong()
            INT16 -> -32768
            INT8 -> -128
            else -> 0
        }

    /** The greatest value of an integer type; of `uint64` as much of it as a Long holds. */
    val greatest: Long
        get() = when (this) {
            INT64, UINT64 -> Long.MAX_VALUE
            INT32 -> Int.MAX_VALUE.toLong()
            UINT32 -> 0xffffffffL
            INT16 -> 32767
            UINT16 -> 65535
            INT8 -> 127
            UINT8 -> 255
            else -> 1
        }

    companion object {
        fun named(label: String): DType? = values().firstOrNull { it.label == label }

        fun ofSafetensors(name: String): DType? = values().firstOrNull { it.safetensors == name }
    }
}
