"""Faults planted into .tflite files must be found in the right layer; honest changes must not be taken for faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gates.drift_net import convert
from gates.flat_edit import File
from gates.honest import VARIANTS
from gates.in_process import InProcess
from gates.planted import FAULTS

from pipeline import config
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

pytestmark = pytest.mark.tensorflow
LIMITS = config.load().limits
PRECISIONS = ("fp32", "int8")
LEAST_FAULTS, LEAST_VARIANTS = 25, 20
WITHOUT_EFFECT = {("RELU6 became RELU", "int8"), ("activation dropped", "int8"), ("RELU became RELU6", "int8")}
"""The range of an 8-bit output may end where the activation does: then the fault changes nothing, and none is found."""
SAID = {
    "kernel height and width exchanged": "height and width are exchanged",
    "kernel rounded to float16": "rounded to float16, under float32's name",
    "kernel rounded to bfloat16": "rounded to bfloat16",
    "bias shifted by one channel": "bias: values are shifted by one channel",
    "bias lost": "bias: all values are zero",
    "one weight NaN": "holds NaN or Inf",
    "padding exchanged": "the padding is VALID, not SAME",
    "stride changed": "the stride is",
    "RELU6 became RELU": "RELU6 became RELU",
    "inputs exchanged": "its inputs are exchanged",
    "layer run twice": "is run twice",
    "layer skipped": "is skipped",
    "zero point off by one": "the output's zero point is",
    "preprocessing by 256": "256 instead of 255",
    "names of outputs exchanged": "names are exchanged",
    "outputs in another order": "outputs are in another order",
    "resize half pixels": "half_pixel_centers",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("drift")
    return {precision: convert(folder, "litert_from_keras", precision) for precision in PRECISIONS}


def judged(right: Path, other: Path) -> Drift:
    return drift(right, other, "random", InProcess(), LIMITS)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_planted_fault_is_found_in_its_layer(files: dict[str, Path], precision: str, tmp_path: Path) -> None:
    wrong, tried = [], 0
    for kind, plant in FAULTS.items():
        file = File.read(files[precision])
        place = plant(file, np.random.default_rng(1))
        if place is None:
            continue
        tried += 1
        found = judged(files[precision], file.write(tmp_path / "fault.tflite")).to_json()
        first = found["first"]
        if first is None and (kind, precision) in WITHOUT_EFFECT:
            continue
        if first is None or place not in (-1, first["op_index"]) or SAID.get(kind, "") not in first["cause"]:
            wrong.append((kind, place, first and (first["op_index"], first["op_type"], first["cause"])))
    assert not wrong
    assert tried >= LEAST_FAULTS


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_honest_change_is_taken_for_a_fault(files: dict[str, Path], precision: str, tmp_path: Path) -> None:
    alarms, tried = [], 0
    for kind, change in VARIANTS.items():
        file = File.read(files[precision])
        if change(file, np.random.default_rng(2)):
            tried += 1
            found = judged(files[precision], file.write(tmp_path / "honest.tflite"))
            if found.outcome is not Outcome.PASSED:
                alarms.append((kind, [(s.b, s.cause) for s in found.suspects]))
    assert not alarms
    assert tried >= LEAST_VARIANTS - 4


ACROSS = (
    "kernel height and width exchanged", "output channels shifted", "input channels permuted", "one channel zero",
    "bias shifted by one channel", "bias lost", "scales shifted by one channel", "one scale doubled",
    "stride changed", "inputs exchanged", "ADD became SUB", "average instead of maximum", "leaky slope",
)  # fmt: skip
"""Faults of an 8-bit file that are seen when it is held against the float file that it was made from."""


def test_an_8_bit_file_is_judged_by_the_float_file_that_it_was_made_from(
    files: dict[str, Path], tmp_path: Path
) -> None:
    honest = judged(files["fp32"], files["int8"])
    assert (honest.outcome, honest.suspects) == (Outcome.PASSED, ())
    assert honest.coverage["weights_compared"] == 1.0
    missed = []
    for kind in ACROSS:
        file = File.read(files["int8"])
        place = FAULTS[kind](file, np.random.default_rng(1))
        first = judged(files["fp32"], file.write(tmp_path / "fault.tflite")).to_json()["first"]
        if first is None or first["op_index"] != place:
            missed.append((kind, place, first))
    assert not missed
