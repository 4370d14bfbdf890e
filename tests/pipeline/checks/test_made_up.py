from __future__ import annotations

import numpy as np
import pytest
from gates import mini

from converters.contract import Precision, TensorSpec
from pipeline.checks.made_up import left_to_layers
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity

GATES = mini.gates()
SPECS = TensorSpec("y", (1, 8), "float32"), TensorSpec("still", (1, 2), "float32")
RANDOM = np.random.default_rng(0)
RIGHT = {"y": RANDOM.normal(size=(32, 1, 8)).astype(np.float32), "still": np.full((32, 1, 2), 3.0, np.float32)}


def judged(got, specs=SPECS[:1], precision=Precision.INT8):
    gate, names = GATES.parity[precision], {spec.name for spec in specs}
    right = {name: RIGHT[name] for name in names}
    check = check_parity(right, got, specs, gate)
    return left_to_layers(check, right, got, specs, gate, precision)


def off(share):
    return {"y": RIGHT["y"] + share * RANDOM.normal(size=RIGHT["y"].shape).astype(np.float32)}


def test_little_beyond_the_gate_is_left_to_the_layers_and_colours_nothing():
    check = judged(off(0.35))
    assert (check.outcome, check.required) == (Outcome.UNDECIDED, False)
    assert "made-up inputs do not tell" in check.reasons[-1]
    assert len(check.reasons) > 1  # what was found stays


def test_what_passes_is_as_it_was():
    check = judged(off(0.01))
    assert (check.outcome, check.required, check.reasons) == (Outcome.PASSED, True, ())


def test_what_nobody_can_tell_on_made_up_inputs_colours_nothing_where_the_layers_agree():
    open_check = Check("parity", Outcome.UNDECIDED, ("once they are rounded the model itself misses the gate",))
    gate = GATES.parity[Precision.FP32]
    check = left_to_layers(open_check, RIGHT, RIGHT, SPECS[:1], gate, Precision.FP32)
    assert (check.outcome, check.required, check.reasons) == (Outcome.UNDECIDED, False, open_check.reasons)


@pytest.mark.parametrize(
    "got",
    [
        off(2.0),
        {"y": np.full_like(RIGHT["y"], np.nan)},
        {"y": np.zeros_like(RIGHT["y"])},
        {"y": -RIGHT["y"]},
        {"y": RIGHT["y"][..., :4]},
        {},
        {**off(0.35), "more": RIGHT["y"]},
    ],
    ids=["far off", "no numbers", "constant", "sign", "shape", "missing", "surplus"],
)
def test_what_no_input_excuses_stays_failed(got):
    assert (judged(got).outcome, judged(got).required) == (Outcome.FAILED, True)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_an_output_that_never_moves_is_left_to_the_layers_where_it_is_the_same(precision):
    same = {**off(0.0), "still": RIGHT["still"].copy()}
    assert judged(same, SPECS, precision).outcome is Outcome.UNDECIDED
    other = {**off(0.0), "still": np.full_like(RIGHT["still"], 9.0)}
    assert judged(other, SPECS, precision).outcome is Outcome.FAILED


def test_float32_that_is_off_where_it_moves_stays_failed():
    assert judged(off(1e-3), precision=Precision.FP32).outcome is Outcome.FAILED


def test_an_output_that_is_no_number_is_left_to_the_layers_where_the_other_file_says_so_in_the_same_places():
    right = RIGHT["y"].copy()
    right[::2, :, 3] = np.nan
    gate = GATES.parity[Precision.FP32]

    def judged_as(got):
        pair = ({"y": right}, {"y": got}, SPECS[:1], gate)
        return left_to_layers(check_parity(*pair), *pair, Precision.FP32).outcome

    assert judged_as(right.copy()) is Outcome.UNDECIDED
    elsewhere, other = right.copy(), right.copy()
    elsewhere[1, :, 2] = np.nan
    other[1, :, 2] += 1
    assert judged_as(elsewhere) is Outcome.FAILED
    assert judged_as(other) is Outcome.FAILED
    assert judged_as(np.nan_to_num(right)) is Outcome.FAILED
