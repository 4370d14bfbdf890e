"""What the stages store for the verdict, and how it is read back: one place for file names and forms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from converters.carry import STEPS
from converters.contract import Arrays
from converters.inspection import Inspection, inspection_from_json
from converters.timing import PairTimings
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.sequence import Fed
from pipeline.checks.verdict import Labelled
from pipeline.report.decode import decode
from pipeline.store import Entry

GOLDEN = "golden.safetensors"  # of a reference: the golden pack
TEST = "test.safetensors"  # of a reference: input/<name>, output/<name>, label; of a measurement: <name>
GOLDEN_OUTPUTS = "golden_outputs.safetensors"  # of a measurement
SEQUENCE = "sequence.safetensors"  # with the state fed back; of a reference: input/<name>, output/<name>; else <name>
FACTS = "facts.json"
TIMINGS = "timings.json"
DRIFT = "drift.json"
INPUT = "input/"
OUTPUT = "output/"


@dataclass(frozen=True)
class Measured:
    """What an artifact gave in a runtime: outputs on the golden pack and on the test split, (n, *shape) by name."""

    golden: Arrays
    test: Arrays | None
    placement: list[tuple[str, str]]


def read_labelled(entry: Entry) -> Labelled | None:
    """The eager outputs on the test split of a reference, and its labels; None when the model came without data."""
    if not entry.file(TEST).exists():
        return None
    arrays = load_file(entry.file(TEST))
    outputs = {name.removeprefix(OUTPUT): value for name, value in arrays.items() if name.startswith(OUTPUT)}
    return Labelled(outputs, arrays.get("label"))


def read_parameters(entry: Entry) -> int:
    """How many trainable numbers the source model of a reference has."""
    return int(entry.json(FACTS)["parameters"])


def read_carried(entry: Entry) -> dict[str, str]:
    """Which outputs of a reference go back in, by name: the input; none of most models."""
    return dict(entry.json(FACTS).get("carried", {}))


def read_fed(reference: Entry, measurement: Entry, bits: bool) -> Fed | None:
    """Sequences of a reference and of an artifact, as far as that ran them; with `bits`, one that computes in 8."""
    if not (carried := read_carried(reference)):
        return None
    kept, got = load_file(reference.file(SEQUENCE)), load_file(measurement.file(SEQUENCE))
    right = {name.removeprefix(OUTPUT): values for name, values in kept.items() if name.startswith(OUTPUT)}
    ran = len(next(iter(got.values())))
    rounding = reference.json(FACTS)["sequence_rounded" if bits else "sequence_rounding"]
    return Fed({name: values[:ran] for name, values in right.items()}, got, carried, STEPS, rounding)


def read_measured(entry: Entry) -> Measured:
    """What a measurement gave."""
    test = entry.file(TEST)
    placed = [(op, device) for op, device in entry.json(FACTS)["placement"]]
    return Measured(load_file(entry.file(GOLDEN_OUTPUTS)), load_file(test) if test.exists() else None, placed)


def read_inspection(entry: Entry) -> Inspection:
    """What an artifact says of itself."""
    return inspection_from_json(entry.json(FACTS))


def read_timings(entry: Entry) -> PairTimings:
    """The times of an artifact and its baseline."""
    return PairTimings.from_json(entry.json(TIMINGS))


def read_drift(entry: Entry) -> Drift:
    """How an artifact compares with its origin, layer by layer."""
    found: Drift = decode(Drift, entry.json(DRIFT), str(entry.file(DRIFT)))
    return found


def save(path: Path, arrays: Arrays) -> None:
    """Writes arrays as safetensors."""
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, path)
