"""A file that a GPU delegate takes in part, or not at all, breaks the promise of a GPU target."""

from __future__ import annotations

from pathlib import Path

import flat_models
import pytest

from converters.litert import delegate
from converters.litert.delegate import Message
from converters.litert.flatbuffer import opened
from pipeline.checks.gates import PlacementGate
from pipeline.checks.outcome import Outcome
from pipeline.checks.placement import check_placement

PROMISE = PlacementGate("gpu", 1.0, "test")
REFUSED = ("Operation is not supported.",)


def placed(folder: Path, *said: Message) -> list[tuple[str, str]]:
    """Rows of y = 2 x + 1, which is MUL and ADD, as `litert-gpu` gives them."""
    with opened(flat_models.affine(folder / "affine.tflite").path) as model:
        return [(row.type, row.device) for row in delegate.placed(model, list(said))]


def test_all_on_the_gpu_keeps_it(tmp_path: Path) -> None:
    assert check_placement(placed(tmp_path), PROMISE).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("said", "share"),
    [
        (Message({"ADD": REFUSED}, 1, 1), "50%"),  # partial
        (Message({"ADD": REFUSED, "MUL": REFUSED}, 0, 2), "0%"),  # none, though the CPU's delegate has taken all
        (Message({"ADD": REFUSED}, 2, 7), "0%"),  # of another graph: nothing is known, and that keeps no promise
        (Message({"ADD": REFUSED}, 0, 2), "0%"),  # numbers that do not fit what is refused
    ],
)
def test_a_part_of_it_breaks_it(tmp_path: Path, said: Message, share: str) -> None:
    check = check_placement(placed(tmp_path, said), PROMISE)
    assert check.outcome is Outcome.FAILED
    assert f"{share} of the operators run on gpu" in check.reasons[0]
