package dev.edgeexport.core.bundle

/** Why a bundle, or a part of it, is not used: one sentence that says what, where, and what to do. */
class BundleException(val fault: BundleFault, cause: Throwable? = null) : Exception(fault.sentence, cause)

/** Everything that can be wrong with a bundle. [sentence] is made from the fault and is what a user reads. */
sealed class BundleFault(val sentence: String) {
    class NoBundle(where: String) :
        BundleFault("$where holds no manifest.json, so it is no bundle; choose the folder or the .zip that " +
            "edge-export wrote.")

    class NotReadable(where: String, why: String) :
        BundleFault("$where cannot be read ($why); copy the whole bundle again.")

    class Manifest(where: String, what: String) :
        BundleFault("The manifest of $where is damaged: $what; export the bundle again.")

    class NewerSchema(where: String, found: Any?, known: Int) :
        BundleFault("$where is written by schema version $found and this app reads versions 1 to $known; update the " +
            "app, or export the bundle with an older edge-export.")

    class LeadsOut(where: String, name: String) :
        BundleFault("$where names the file `$name`, which leads out of the bundle; do not use it, and ask where it " +
            "came from.")

    class Missing(where: String, name: String) :
        BundleFault("$where lacks the file `$name`; copy the whole bundle again.")

    class WrongSize(where: String, name: String, found: Long, wanted: Long) :
        BundleFault("`$name` in $where has $found bytes and $wanted were written; copy the whole bundle again.")

    class Changed(where: String, name: String) :
        BundleFault("`$name` in $where is not the file that was written: its sha256 differs; copy the whole bundle " +
            "again.")

    class NotVouchedFor(where: String, name: String) :
        BundleFault("`$name` in $where has no sha256 in the manifest, so that nothing vouches for it; export the " +
            "bundle again.")

    class EmptyArchive(where: String) : BundleFault("$where is an empty .zip; copy the whole bundle again.")

    class Duplicate(where: String, name: String) :
        BundleFault("$where holds `$name` twice, so that nobody knows which is meant; make the .zip again.")

    class TooLarge(where: String, name: String, bytes: Long, limit: Long) :
        BundleFault("`$name` in $where unpacks to ${megabytes(bytes)} and this app takes at most " +
            "${megabytes(limit)}; no bundle for a phone is that large: do not use it, or leave the file out.")

    class Bomb(where: String, name: String) :
        BundleFault("`$name` in $where unpacks to more than the .zip itself says; it is damaged or made to fill the " +
            "storage: do not use it.")

    class Labels(where: String, labels: Int, classes: Int) :
        BundleFault("$where has $labels ${if (labels == 1) "label" else "labels"} for $classes classes; write one " +
            "name a line into labels.txt, in the order of the outputs, and export the bundle again.")

    class Golden(where: String, name: String, what: String) :
        BundleFault("The golden pack `$name` in $where proves nothing: $what; export the bundle again.")

    class Gates(where: String, what: String) :
        BundleFault("The gates of $where cannot judge: $what; export the bundle again with this version of " +
            "edge-export.")

    class TooLittleMemory(where: String, name: String, needed: Long, free: Long) :
        BundleFault("`$name` in $where needs about ${megabytes(needed)} of memory and ${megabytes(free)} are free; " +
            "close other apps, or take a smaller precision of the model.")
}

internal fun megabytes(bytes: Long): String =
    if (bytes < 10_000_000) "${(bytes + 999) / 1000} kB" else "${bytes / 1_000_000} MB"
