"""One trial: plant a fault (or make an honest change), see whether it changes an output, and ask `drift`."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutation import catalogue
from benchmarks.mutation.effect import NOISE, effect
from benchmarks.mutation.in_process import InProcess
from benchmarks.mutation.subjects import NETS, SOURCE, captured
from converters.contract import Artifact, TensorSpec
from converters.errors import EdgeExportError, ModelError
from converters.graph import Graph, Op
from pipeline import config
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.outcome import Outcome
from pipeline.drift import verdict_on
from pipeline.drift.refused import complained, opened, unreadable
from pipeline.drift.sizes import sized
from pipeline.lone import open_artifact

STEP = 1e-9
"""Of the range of an 8-bit output: any step is more."""
AS_CONVERTED = "as converted"
"""The honest change that is none: a file held against another one, or against the source."""


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
    """The row of a trial; the changed file lies in `folder`, where sources are built too."""
    folder.mkdir(parents=True, exist_ok=True)
    where = (trial.subject, trial.pairing, trial.honest.suffix[1:], trial.family, trial.kind, trial.seed)
    other = folder / f"{'fault' if trial.fault else 'honest'}{trial.honest.suffix}"
    place = _planted(trial, other)
    if place is None:
        return Row(*where, Sort.NOTHING)
    pool, limits = InProcess(folder), config.load().limits
    honest = _honest(trial.honest, folder)
    try:
        measured = effect(trial.honest, other, _legal(trial, honest.source.inputs))
    except Exception as error:
        return Row(*where, Sort.DOES_NOT_RUN, said=str(error)[:200], place=place)
    size = float(measured.pop("size"))
    least = STEP if honest.precision.value.startswith("int8") else NOISE
    if trial.fault and trial.kind not in catalogue.SILENT and size <= least:
        return Row(*where, Sort.NO_EFFECT, place=place, effect=size)
    reference = _reference(trial.reference, folder, pool)
    start = time.perf_counter()
    found = _verdict(reference, other, pool, limits)
    seconds = time.perf_counter() - start
    sort = Sort.FAULT if trial.fault else Sort.HONEST
    places = _places(trial.honest, other, place, pool, limits) if trial.fault else (place,)
    return Row(*where, sort, *_seen(found, places), place, size, seconds, _said(found), measured)


def _legal(trial: Trial, own: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    """What a file takes, within the limits that its source sets: beyond them nobody feeds it."""
    if not trial.reference.startswith(SOURCE):
        return own
    limits = [spec.limits for spec in NETS[trial.reference.removeprefix(SOURCE)].inputs]
    return tuple(replace(spec, limits=one or spec.limits) for spec, one in zip(own, limits, strict=True))


def _verdict(reference: Artifact, other: Path, pool: Any, limits: config.Limits) -> Drift:
    """As `drift` gives it: a file that cannot be read has failed."""
    try:
        artifact, _, complaint = opened(other, pool, limits)
    except ModelError as error:
        return unreadable(other, error)
    return complained(verdict_on(reference, artifact, None, pool, limits), complaint)


def _planted(trial: Trial, other: Path) -> int | None:
    """Writes the changed file: the operator's place, -1 for none; None where there is nothing to change."""
    if trial.kind == AS_CONVERTED:
        shutil.rmtree(other, ignore_errors=True)
        (shutil.copytree if trial.honest.is_dir() else shutil.copyfile)(trial.honest, other)
        return -1
    file, random = catalogue.opened(trial.honest), np.random.default_rng(_seed(trial))
    with np.errstate(all="ignore"):
        if trial.fault:
            place = catalogue.faults(trial.honest.suffix)[trial.kind].plant(file, random)
        else:
            place = -1 if catalogue.changes(trial.honest.suffix)[trial.kind](file, random) else None
    if place is not None:
        file.write(other)
    return None if place is None else int(place)


def _seed(trial: Trial) -> list[int]:
    """A seed of its own for each file and kind, the same from run to run."""
    return [trial.seed, *hashlib.sha256(f"{trial.honest.name} {trial.kind}".encode()).digest()[:8]]


@lru_cache(maxsize=4)
def _honest(path: Path, folder: Path) -> Artifact:
    """The honest file, with sizes for its open axes."""
    pool, limits = InProcess(folder), config.load().limits
    honest, _ = open_artifact(path, pool, limits)
    return sized(honest, honest, pool, limits)


_sources: dict[str, Artifact] = {}


def _reference(text: str, folder: Path, pool: Any) -> Artifact:
    """The artifact of a file, or of a network of ours in its framework."""
    limits = config.load().limits
    if not text.startswith(SOURCE):
        return open_artifact(Path(text), pool, limits)[0]
    name = text.removeprefix(SOURCE)
    if name not in _sources:
        _sources[name] = captured(NETS[name], folder, pool, limits)
    return _sources[name]


def _places(honest: Path, other: Path, place: int, pool: Any, limits: config.Limits) -> tuple[int, ...]:
    """The operators that have the fault.

    Where a constant was changed that several read, all of these; where an operator was left out, those beside it.
    """
    try:
        right, wrong = (
            pool.call("", "converters.drift_job:graph", limits.measure_s, artifact=_open(path, pool, limits))
            for path in (honest, other)
        )
    except EdgeExportError:
        return (place,)
    if place < 0:
        return (place,)
    if len(wrong.ops) == len(right.ops) - 1:
        return (place, *_beside(right, place))
    ops = [{op.index: op for op in graph.ops} for graph in (right, wrong)]
    if len(wrong.ops) != len(right.ops) or place not in ops[1]:
        return (place,)
    changed: set[int] = set()
    for index in _before(wrong, ops[1][place]):
        one, two = ops[0][index].inputs, ops[1][index].inputs
        both = zip(one, two, strict=True) if len(one) == len(two) else ()
        changed |= {
            b
            for a, b in both
            if a >= 0 and b >= 0 and wrong.tensors[b].constant and _bytes(right, a) != _bytes(wrong, b)
        }
    for op in wrong.ops:  # what only expands a constant passes it on
        if changed.intersection(op.inputs) and all(wrong.tensors[i].constant for i in op.inputs if i >= 0):
            changed |= {*op.outputs}
    return (place, *(op.index for op in wrong.ops if changed.intersection(op.inputs)))


def _before(graph: Graph, op: Op) -> Iterator[int]:
    """The places of an operator, and of those that make it of constants alone what it reads."""
    yield op.index
    for other in graph.ops:
        bare = all(graph.tensors[i].constant for i in other.inputs if i >= 0)
        if bare and {*other.outputs}.intersection(op.inputs):
            yield other.index


def _beside(right: Graph, place: int) -> Iterator[int]:
    """The places, in a graph without the operator at `place`, of those that gave what it took or read what it gave."""
    gone = next(op for op in right.ops if op.index == place)
    for op in right.ops:
        if {*op.outputs}.intersection(gone.inputs) or {*op.inputs}.intersection(gone.outputs):
            yield op.index - (op.index > place)


def _open(path: Path, pool: Any, limits: config.Limits) -> Artifact:
    return open_artifact(path, pool, limits)[0]


def _bytes(graph: Graph, index: int) -> bytes | None:
    data = graph.tensors[index].data
    return None if data is None else data.tobytes()


def _seen(found: Drift, places: tuple[int, ...]) -> tuple[bool, bool, bool]:
    """(caught, one of the places is the first suspect's, or any's); a fault without a layer is where it is."""
    caught = found.outcome is not Outcome.PASSED
    told = [suspect.to_json()["op_index"] for suspect in found.suspects]
    none = -1 in places
    return (
        caught,
        caught and (none or not {*told[:1]}.isdisjoint(places)),
        caught and (none or not {*told}.isdisjoint(places)),
    )


def _said(found: Drift) -> str:
    first = found.suspects[0].to_json() if found.suspects else None
    return (
        "" if first is None else f"{first['op_type']} {first['op_index']}: {first['cause']} ({first['measure']})"[:240]
    )
