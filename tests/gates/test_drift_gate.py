"""Faults planted into model files must be found in the right layer; honest changes must not be taken for faults.

A quick part of `make mutation`: one seed, one small network.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from gates.drift_net import convert
from gates.in_process import InProcess

from benchmarks.mutation import catalogue
from benchmarks.mutation.trial import Row, Sort, Trial, attempt
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

pytestmark = pytest.mark.tensorflow
EDGES = {"fp32": "litert_from_keras", "int8": "litert_from_keras", "onnx": "onnx_from_keras"}
LEAST = {"fp32": (25, 10), "int8": (20, 6), "onnx": (20, 6)}
"""Faults with an effect and honest changes that have to be tried: fewer would prove little."""
SAID = {
    "kernel height and width exchanged": "height and width are exchanged",
    "kernel rounded to float16": "rounded to float16, under float32's name",
    "kernel rounded to bfloat16": "rounded to bfloat16",
    "bias shifted by one channel": "bias: values are shifted by one channel",
    "bias lost": "bias: all values are zero",
    "one weight NaN": "holds NaN or Inf",
    "padding exchanged": "the padding is VALID, not SAME",
    "stride along height changed": "the stride is",
    "RELU6 became RELU": "RELU6 became RELU",
    "inputs exchanged": "its inputs are exchanged",
    "layer run twice": "is run twice",
    "layer skipped": "is skipped",
    "zero point off by one": "the output's zero point is",
    "preprocessing by 256": "256 instead of 255",
    "names of outputs exchanged": "names are exchanged",
    "outputs in another order": "outputs are in another order",
    "resize with half pixels": "half_pixel_centers",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("drift")
    return {name: convert(folder, edge, "int8" if name == "int8" else "fp32") for name, edge in EDGES.items()}


def tried(file: Path, kind: str, fault: bool, folder: Path, reference: Path | None = None) -> Row:
    return attempt(Trial(file.stem, str(reference or file), file, "same", "", kind, 1, fault), folder)


def some(kinds: Iterable[str], name: str) -> list[str]:
    """A third of the kinds, another third for each file."""
    return sorted(kinds)[list(EDGES).index(name) :: 3]


@pytest.mark.parametrize("name", EDGES)
def test_every_planted_fault_is_found_in_its_layer(files: dict[str, Path], name: str, tmp_path: Path) -> None:
    rows = [tried(files[name], kind, True, tmp_path) for kind in some(catalogue.faults(files[name].suffix), name)]
    rows = [row for row in rows if row.sort is Sort.FAULT]
    assert not [(row.kind, row.effect) for row in rows if not row.caught]
    if name != "onnx":
        assert not [(row.kind, row.said) for row in rows if row.first and SAID.get(row.kind, "") not in row.said]
    assert sum(row.first for row in rows) >= 0.95 * len(rows), [(r.kind, r.place, r.said) for r in rows if not r.first]
    assert len(rows) >= LEAST[name][0]


@pytest.mark.parametrize("name", EDGES)
def test_no_honest_change_is_taken_for_a_fault(files: dict[str, Path], name: str, tmp_path: Path) -> None:
    rows = [tried(files[name], kind, False, tmp_path) for kind in some(catalogue.changes(files[name].suffix), name)]
    rows = [row for row in rows if row.sort is Sort.HONEST]
    assert not [(row.kind, row.said) for row in rows if row.caught]
    assert len(rows) >= LEAST[name][1]


ACROSS = (
    "kernel height and width exchanged", "output channels shifted", "input channels permuted", "one channel zero",
    "bias shifted by one channel", "bias lost", "scales shifted by one channel", "one scale doubled",
    "stride along height changed", "inputs exchanged", "ADD became SUB", "average instead of maximum", "leaky slope",
)  # fmt: skip
"""Faults of an 8-bit file that are seen when it is held against the float file that it was made from."""


def test_an_8_bit_file_is_judged_by_the_float_file_that_it_was_made_from(
    files: dict[str, Path], tmp_path: Path
) -> None:
    honest = drift(files["fp32"], files["int8"], "random", InProcess(), config.load().limits)
    assert (honest.outcome, honest.suspects) == (Outcome.PASSED, ())
    assert honest.coverage["weights_compared"] == 1.0
    rows = [tried(files["int8"], kind, True, tmp_path, files["fp32"]) for kind in ACROSS]
    rows = [row for row in rows if row.sort is Sort.FAULT]
    assert not [(row.kind, row.place, row.said) for row in rows if not row.first]
    assert len(rows) >= 10
