"""One trial: plant a fault (or make an honest change), see whether it changes an output, and ask `drift`."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutation import catalogue
from benchmarks.mutation.effect import NOISE, effect
from benchmarks.mutation.in_process import InProcess
from pipeline import config
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift
from pipeline.lone import open_artifact

STEP = 1e-9
"""Of the range of an 8-bit output: any step is more."""


class Sort(StrEnum):
    """What became of a trial; only faults and honest changes count."""

    FAULT = "fault"
    HONEST = "honest"
    NOTHING = "nothing to plant it in"
    NO_EFFECT = "changes no output"
    DOES_NOT_RUN = "does not run"


@dataclass(frozen=True)
class Trial:
    """`honest` is the file to be changed, `reference` what the changed file is held against.

    `pairing` says what the two are to each other: the same file, a file of another format or precision, or the source.
    """

    subject: str
    reference: str
    honest: Path
    pairing: str
    family: str
    kind: str
    seed: int
    fault: bool

    @property
    def key(self) -> str:
        """What names the trial from run to run."""
        return f"{self.subject} | {self.pairing} | {self.kind} | {self.seed}"


@dataclass(frozen=True)
class Row:
    """What a trial gave. `first` and `among`: the operator with the fault is the first suspect, or one of them.

    `effect` is the largest change of an output as a share of its range; `naive` says which naive gates saw it.
    """

    subject: str
    pairing: str
    format: str
    family: str
    kind: str
    seed: int
    sort: str
    caught: bool = False
    first: bool = False
    among: bool = False
    place: int | None = None
    effect: float = 0.0
    seconds: float = 0.0
    said: str = ""
    naive: dict[str, bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; an effect that is no number is its text."""
        return {**asdict(self), "effect": self.effect if np.isfinite(self.effect) else str(self.effect)}


def attempt(trial: Trial, folder: Path) -> Row:
    """The row of a trial; the changed file lies in `folder` while it lasts."""
    where = (trial.subject, trial.pairing, trial.honest.suffix[1:], trial.family, trial.kind, trial.seed)
    table = catalogue.faults(trial.honest.suffix) if trial.fault else catalogue.changes(trial.honest.suffix)
    file = catalogue.opened(trial.honest)
    random = np.random.default_rng(_seed(trial))
    with np.errstate(all="ignore"):
        entry = table[trial.kind]
        place = entry.plant(file, random) if isinstance(entry, catalogue.Fault) else entry(file, random) or None
    if place is None:
        return Row(*where, Sort.NOTHING)
    other = folder / f"{'fault' if trial.fault else 'honest'}{trial.honest.suffix}"
    file.write(other)
    pool, limits = InProcess(), config.load().limits
    artifact, _ = open_artifact(trial.honest, pool, limits)
    try:
        measured = effect(trial.honest, other, artifact.source.inputs)
    except Exception as error:
        return Row(*where, Sort.DOES_NOT_RUN, said=str(error)[:200], place=int(place))
    size = float(measured.pop("size"))
    if trial.fault and size <= (STEP if artifact.precision.value.startswith("int8") else NOISE):
        return Row(*where, Sort.NO_EFFECT, place=int(place), effect=size)
    start = time.perf_counter()
    found = drift(_reference(trial.reference), other, "random", pool, limits)
    seconds = time.perf_counter() - start
    sort = Sort.FAULT if trial.fault else Sort.HONEST
    return Row(*where, sort, *_seen(found, int(place)), int(place), size, seconds, _said(found), measured)


def _seed(trial: Trial) -> list[int]:
    """A seed of its own for each file and kind, the same from run to run."""
    return [trial.seed, *hashlib.sha256(f"{trial.honest.name} {trial.kind}".encode()).digest()[:8]]


def _reference(text: str) -> Any:
    """A file, or `file.py:function` of a source as it is."""
    return Path(text)


def _seen(found: Drift, place: int) -> tuple[bool, bool, bool]:
    """(caught, place is the first suspect's, place is among the suspects); a fault without a layer is where it is."""
    caught = found.outcome is not Outcome.PASSED
    places = [suspect.to_json()["op_index"] for suspect in found.suspects]
    return caught, caught and place in (-1, *places[:1]), caught and place in (-1, *places)


def _said(found: Drift) -> str:
    first = found.suspects[0].to_json() if found.suspects else None
    return (
        "" if first is None else f"{first['op_type']} {first['op_index']}: {first['cause']} ({first['measure']})"[:240]
    )
