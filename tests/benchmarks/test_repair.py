from __future__ import annotations

import dataclasses
from pathlib import Path

from benchmarks.repair import read
from converters.contract import Artifact, Format, Precision, Signature
from converters.sensitivity import Sensitivity
from pipeline.checks.outcome import Check, Outcome
from pipeline.repair.candidates import Candidate
from pipeline.repair.repair import Repair

FILE = Artifact(Path("x"), Format.TFLITE, Precision.INT8, Signature((), ()), Signature((), ()))
PLAIN = Candidate({}, FILE, Check("accuracy", Outcome.FAILED, ("lost",)), 128, 0.6, 20.0, 0.7, 9.0)
BEST = dataclasses.replace(PLAIN, options={"keep": ["a"]}, check=Check("accuracy", Outcome.PASSED), drop_points=0.4)
LAYERS = tuple(Sensitivity(name, "CONV_2D", 0.0, 0.0) for name in "abcde")


def test_what_is_lost_and_kept_stands_beside_the_goals():
    found = list(read(Repair(PLAIN, BEST, True, LAYERS, ("a",)), "net", files=9, seconds=12.0))
    assert [figure.value for figure in found] == [0.4, 0.2, 12.0]
    assert {figure.outcome for figure in found} == {Outcome.PASSED}
    assert "was 20.0 on the first 128 samples; 9 files judged" in found[0].detail


def test_a_repair_that_failed_misses_its_goal():
    found = list(read(Repair(PLAIN, PLAIN, False, LAYERS, ("a", "b")), "net", files=9, seconds=12.0))
    assert found[0].outcome is Outcome.FAILED
    assert found[1].outcome is Outcome.FAILED
