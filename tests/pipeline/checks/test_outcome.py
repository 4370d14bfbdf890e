from __future__ import annotations

import pytest

from converters.errors import ContractError
from pipeline.checks.outcome import SEVERITY, Cell, Check, Outcome, worst


def cell(*checks: Check) -> Cell:
    return Cell("cnn", "torch", "litert", "int8", "litert-xnnpack", "tflite", "cnn.tflite", checks)


def test_every_outcome_has_its_severity() -> None:
    assert sorted(SEVERITY) == sorted(Outcome)


def test_nothing_compared_is_failed() -> None:
    assert worst([]) is Outcome.FAILED
    assert cell().outcome is Outcome.FAILED


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.PASSED])
def test_what_is_not_passed_needs_a_reason_and_colours_the_cell(outcome: Outcome) -> None:
    with pytest.raises(ContractError, match=f"check parity: {outcome} needs a reason"):
        Check("parity", outcome)
    bad = Check("parity", outcome, ("why",), {"snr_db": 3.0})
    assert cell(Check("size", Outcome.PASSED), bad).outcome is outcome
    assert cell(bad).reasons == ("parity: why",)
    assert cell(bad).metrics == {"parity.snr_db": 3.0}


def test_an_optional_check_does_not_colour_the_cell() -> None:
    optional = Check("accuracy", Outcome.NOT_RUN, ("no labels",), required=False)
    assert cell(Check("size", Outcome.PASSED), optional).outcome is Outcome.PASSED
    assert cell(optional).outcome is Outcome.FAILED, "optional checks alone prove nothing"


def test_reasons_come_worst_first() -> None:
    checks = (Check("size", Outcome.FAILED, ("large",)), Check("parity", Outcome.CRASHED, ("signal 11",)))
    assert cell(*checks).reasons == ("parity: signal 11", "size: large")


def test_the_id_names_the_cell() -> None:
    assert cell().id == "cnn_torch_litert_int8@litert-xnnpack"


def test_undecided_outweighs_what_could_not_be_asked_and_not_what_failed() -> None:
    assert worst([Outcome.NOT_RUN, Outcome.UNSUPPORTED, Outcome.UNDECIDED, Outcome.PASSED]) is Outcome.UNDECIDED
    assert worst([Outcome.UNDECIDED, Outcome.FAILED]) is Outcome.FAILED
