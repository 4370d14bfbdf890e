package dev.edgeexport.jvm

/** The exit codes of docs/exit_codes.md that this program uses. */
private const val USAGE = 2

fun main(arguments: Array<String>) {
    System.err.println("usage: self-check BUNDLE --out FILE")
    System.exit(USAGE)
}
