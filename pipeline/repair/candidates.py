"""Candidates: files made by a recipe, and how much each loses against the float file. None is made or run twice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact, ConversionRequest, Precision
from converters.errors import DataError
from converters.worker import WorkerPool
from pipeline.checks import paired
from pipeline.checks.accuracy import check_accuracy
from pipeline.checks.coverage import class_output
from pipeline.checks.gates import Gates
from pipeline.checks.metrics.accuracy import correct, predictions
from pipeline.checks.metrics.snr_db import decibel
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity
from pipeline.config import Limits
from pipeline.evidence import INPUT as PREFIX
from pipeline.lone import default_runtime
from pipeline.repair.problem import Problem
from pipeline.store import digest

FIRST_CHUNK = 128
SURE = 0.999
"""Confidence with which a candidate must have lost too much before its other samples are left out."""


@dataclass(frozen=True)
class Candidate:
    """A file and what it was found to lose. `samples` is less than there are where it was given up early.

    `drop_points` is None where there are no labels. `agreement` is the share of samples with the float file's answer.
    """

    options: Mapping[str, Any]
    artifact: Artifact
    check: Check
    samples: int
    accuracy: float | None
    drop_points: float | None
    agreement: float | None
    snr_db: float

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of what the layers in float give out, as they were chosen."""
        return tuple(self.options.get("keep", ()))

    @property
    def worth(self) -> tuple[float, float]:
        """The larger the better: the share of unchanged answers, then the distance of the error."""
        return (self.agreement if self.agreement is not None else 0.0, self.snr_db)


@dataclass
class Bench:
    """Makes and judges candidates; `said` hears of each one.

    Raises:
        DataError: the float file itself does not fit the data.
    """

    problem: Problem
    target_drop: float | None
    gates: Gates
    folder: Path
    pool: WorkerPool
    limits: Limits
    said: Callable[[Candidate], None] = lambda _: None
    found: dict[str, Candidate] = field(default_factory=dict)
    _samples: list[tuple[Path, slice]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runtime = default_runtime(self.problem.source)
        self.output = class_output(self.problem.source.source.outputs)
        self.targets = self.problem.targets if self.output else None
        self._save_samples()
        parts = [self._outputs(self.problem.source, path) for path, _ in self._samples]
        self.reference = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        gate = self.gates.accuracy[Precision.INT8]
        drop = gate.max_drop_points if self.target_drop is None else self.target_drop
        self.gate = dataclasses.replace(gate, max_drop_points=drop)
        self.at_best = self._check(
            self.reference
        )  # of no loss at all: what is not PASSED here cannot be, by these data
        if self.at_best.outcome is Outcome.FAILED:
            raise DataError(
                f"{self.problem.source.path.name} cannot be judged by these data: {self.at_best.reasons[0]}"
            )

    @property
    def count(self) -> int:
        """How many test samples there are."""
        return len(next(iter(self.problem.inputs.values())))

    def candidate(self, options: Mapping[str, Any]) -> Candidate:
        """The file by these options, made and judged when it is first asked for."""
        key = digest(json.loads(json.dumps(dict(options), sort_keys=True)))
        if key not in self.found:
            artifact = self._made(options, key)
            twin = next((c for c in self.found.values() if c.artifact.sha256 == artifact.sha256), None)
            judged = self._judged(options, artifact) if twin is None else dataclasses.replace(twin, options=options)
            self.found[key] = judged
            if twin is None:
                self.said(judged)
        return self.found[key]

    @property
    def files(self) -> list[Candidate]:
        """Every file that was made and judged, once, in that order."""
        return list({candidate.artifact.sha256: candidate for candidate in reversed(self.found.values())}.values())[
            ::-1
        ]

    def passes(self, candidate: Candidate) -> bool:
        """Whether it keeps what is asked; where the data cannot tell of any file, whether the best estimate does."""
        if candidate.check.outcome is Outcome.PASSED:
            return True
        if self.at_best.outcome is Outcome.PASSED or candidate.check.outcome is not self.at_best.outcome:
            return False
        return candidate.drop_points is not None and candidate.drop_points <= self.gate.max_drop_points

    def _made(self, options: Mapping[str, Any], key: str) -> Artifact:
        source = self.problem.source
        target = self.folder / f"{key[:16]}{source.path.suffix}"
        request = ConversionRequest(source, target, Precision.INT8, self.problem.calibration, dict(options))
        made: Artifact = self.pool.call(
            self.problem.edge.worker,
            "converters.job:convert",
            self.limits.convert_s,
            edge_name=self.problem.edge.name,
            request=request,
        )
        return made

    def _judged(self, options: Mapping[str, Any], artifact: Artifact) -> Candidate:
        got = {name: values[:0] for name, values in self.reference.items()}
        for path, _ in self._samples:
            part = self._outputs(artifact, path)
            got = {name: np.concatenate([got[name], part[name]]) for name in got}
            if self._lost_for_sure(got):
                break
        seen = len(next(iter(got.values())))
        check = self._check(got)
        accuracy = drop = agreement = None
        if self.output:
            wanted, found = self.reference[self.output][:seen], got[self.output]
            agreement = float(np.mean(predictions(wanted) == predictions(found, like=wanted)))
            if self.targets is not None:
                was, now = correct(self.targets[:seen], wanted), correct(self.targets[:seen], found, like=wanted)
                accuracy, drop = float(now.mean()), 100 * float(was.mean() - now.mean())
        noise = min(_snr_db(self.reference[name][:seen], values) for name, values in got.items())
        return Candidate(options, artifact, check, seen, accuracy, drop, agreement, noise)

    def _check(self, got: Arrays) -> Check:
        """By labels where there are some, else by the outputs' distance from the float file's."""
        seen = len(next(iter(got.values())))
        wanted = {name: values[:seen] for name, values in self.reference.items()}
        if self.targets is not None and self.output:
            return check_accuracy(wanted[self.output], got[self.output], self.targets[:seen], self.gate)
        return check_parity(wanted, got, self.problem.source.source.outputs, self.gates.parity[Precision.INT8])

    def _lost_for_sure(self, got: Arrays) -> bool:
        seen = len(next(iter(got.values())))
        if self.targets is None or not self.output or seen < FIRST_CHUNK:
            return False
        wanted, found = self.reference[self.output][:seen], got[self.output]
        was, now = correct(self.targets[:seen], wanted), correct(self.targets[:seen], found, like=wanted)
        lost, won = int((was & ~now).sum()), int((~was & now).sum())
        low, _ = paired.drop_interval(lost, won, seen, SURE)
        return 100 * low > self.gate.max_drop_points

    def _outputs(self, artifact: Artifact, samples: Path) -> Arrays:
        found: Arrays = self.pool.call(
            self.runtime.worker,
            "converters.job:run_samples",
            self.limits.measure_s,
            runtime=self.runtime.name,
            artifact=artifact,
            samples=samples,
            prefix=PREFIX,
        )
        return found

    def _save_samples(self) -> None:
        for number, part in enumerate(_chunks(self.count)):
            path = self.folder / f"test{number}.npz"
            rows = {f"{PREFIX}{name}": values[part] for name, values in self.problem.inputs.items()}
            np.savez(path, allow_pickle=False, **rows)
            self._samples.append((path, part))


def _snr_db(wanted: np.ndarray, got: np.ndarray) -> float:
    """Of all samples together."""
    signal = np.square(wanted, dtype=np.float64).sum()
    return float(decibel(signal, np.square(got.astype(np.float64) - wanted).sum()))


def _chunks(count: int) -> Iterator[slice]:
    """0 to 128, to 256, to 512, ... of `count` samples."""
    start, end = 0, FIRST_CHUNK
    while start < count:
        yield slice(start, min(end, count))
        start, end = end, 2 * end
