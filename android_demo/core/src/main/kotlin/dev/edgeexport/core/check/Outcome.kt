package dev.edgeexport.core.check

/** How a check or a cell ended, from best to worst; the same as `pipeline/checks/outcome.py`. */
enum class Outcome {
    PASSED,
    NOT_RUN,
    UNSUPPORTED,
    BLOCKED,
    UNDECIDED,
    FAILED,
    TIMED_OUT,
    CRASHED;

    companion object {
        /** The worst of some outcomes. None at all is FAILED: nothing compared proves nothing. */
        fun worst(outcomes: Iterable<Outcome>): Outcome = outcomes.maxOrNull() ?: FAILED
    }
}
