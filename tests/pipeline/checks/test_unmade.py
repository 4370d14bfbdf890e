from converters import errors
from pipeline.checks.outcome import Outcome
from pipeline.checks.unmade import blocked, failed, outcome_of


def test_every_error_of_the_tree_has_an_outcome_that_is_no_pass() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.EdgeExportError)
    ]
    assert len(kinds) > 8
    assert all(outcome_of(kind("x")) is not Outcome.PASSED for kind in kinds)


def test_a_step_that_raised_says_so_and_what_waited_for_it_does_not_colour_the_cell() -> None:
    check = failed("convert", errors.UnsupportedError("no such operator"))
    assert (check.outcome, check.reasons, check.required) == (Outcome.UNSUPPORTED, ("no such operator",), True)
    (waiting,) = blocked(("parity",), "convert")
    assert (waiting.outcome, waiting.reasons, waiting.required) == (
        Outcome.BLOCKED,
        ("`convert` did not succeed",),
        False,
    )
