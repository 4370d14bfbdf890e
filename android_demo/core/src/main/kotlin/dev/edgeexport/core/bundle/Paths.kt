package dev.edgeexport.core.bundle

/** Whether a name of a manifest or archive can only mean a file below the bundle, on any system. */
internal fun staysInside(name: String): Boolean {
    val parts = name.split('/')
    return name.isNotEmpty() && '\\' !in name && '\u0000' !in name && ':' !in parts[0] &&
        parts.none { it.isEmpty() || it == "." || it == ".." }
}
