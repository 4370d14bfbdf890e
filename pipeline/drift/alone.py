"""Segments of two models run alone on the same values, recorded ones and made-up ones, and compared."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from pipeline.checks.drift import stress
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import EPS, HALF_EPS, Nearness, half_share, near
from pipeline.checks.drift.values import real
from pipeline.drift.work import Work

MOST_ROWS, LEAST_ROWS = 10, 4
MOST_ELEMENTS = 48_000_000
"""Of all tensors of a model, over the rows that are compared: fewer rows for large models."""
HALF = 0.25
"""Of the computed float tensors in 16 bits: from here on a model is one of half precision."""
_Piece = tuple[dict[int, np.ndarray], tuple[int, ...]]


@dataclass
class Alone:
    """Runs segments of two models. What was run once is remembered."""

    work: Work
    a: Known
    b: Known
    rows: int = MOST_ROWS

    def __post_init__(self) -> None:
        elements = sum(values[0].size for values in self.a.recorded.values())
        most = int(np.clip(MOST_ELEMENTS // max(elements, 1), LEAST_ROWS, MOST_ROWS))
        self.most = min(most, self.rows)
        self.limits = {
            index: spec.limits
            for index, spec in zip(self.a.graph.inputs, self.work.a.source.inputs, strict=False)
            if spec.limits
        }
        halves = max(half_share(side.graph.tensors[i].dtype for i in side.recorded) for side in (self.a, self.b))
        self.eps = HALF_EPS if halves > HALF else EPS
        self._known: dict[Segment, Nearness | None] = {}

    def compare(self, segments: Sequence[Segment]) -> dict[Segment, Nearness | None]:
        """For each segment how near both sides are; None where one of them cannot be run alone."""
        fresh = [segment for segment in dict.fromkeys(segments) if segment not in self._known]
        made = [self._rows(segment) for segment in fresh]
        pieces_a = [self._piece(self.a, s, stress.nudged(rows, 1), True) for s, rows in zip(fresh, made, strict=True)]
        pieces_b = [self._piece(self.b, s, rows.starts, False) for s, rows in zip(fresh, made, strict=True)]
        answers = self._asked(self.work.a, pieces_a), self._asked(self.work.b, pieces_b)
        for segment, rows, ours, theirs in zip(fresh, made, *answers, strict=True):
            self._known[segment] = self._judged(segment, rows, ours, theirs)
        return {segment: self._known[segment] for segment in segments}

    def _rows(self, segment: Segment) -> stress.Rows:
        """Values for the starts, such as both sides can store."""
        recorded = [self._settled(start, self.a.real(start.a).astype(np.float32)) for start in segment.given]
        kinds = [self.a.recorded[start.a].dtype.kind for start in segment.given]
        exact = [
            values if kind == "f" else values.astype(np.int64) if self._whole(start) else values
            for start, values, kind in zip(segment.given, recorded, kinds, strict=True)
        ]
        key = ",".join(str(start.b) for start in segment.given).encode()
        found = stress.rows(exact, zlib.crc32(key), self.most)
        starts = tuple(
            self._settled(start, self._legal(start, values))
            for start, values in zip(segment.given, found.starts, strict=True)
        )
        return stress.Rows(starts, found.recorded, found.made_up)

    def _whole(self, start: Partner) -> bool:
        """Whether a start holds integers that stand for themselves, as indices do."""
        return self.a.graph.tensors[start.a].quantization is None

    def _legal(self, start: Partner, values: np.ndarray) -> np.ndarray:
        return np.clip(values, *self.limits[start.a]) if start.a in self.limits else values

    def _settled(self, start: Partner, values: np.ndarray) -> np.ndarray:
        """Moved to values that the tensor of b can store, and that of a."""
        for side, index in ((self.b, start.b), (self.a, start.a)):
            values = stress.settled(values, side.graph.tensors[index], side.recorded[index].dtype)
        return values

    def _piece(self, side: Known, segment: Segment, starts: Sequence[np.ndarray], first: bool) -> _Piece:
        given = {}
        for start, values in zip(segment.given, starts, strict=True):
            index = start.a if first else start.b
            lying = values if first else start.layout.carry(values)
            given[index] = stress.stored(lying, side.graph.tensors[index], side.recorded[index].dtype)
        count = len(starts[0])
        for index in segment.fixed_a if first else segment.fixed_b:
            given[index] = np.repeat(side.recorded[index][:1], count, axis=0)
        return given, (segment.out.a if first else segment.out.b,)

    def _asked(self, artifact: Artifact, pieces: Sequence[_Piece]) -> list[np.ndarray | None]:
        """The values of each piece; those that only pass on what they are given need no worker."""
        found: list[np.ndarray | None] = [given.get(wanted[0]) for given, wanted in pieces]
        open_ones = [place for place, values in enumerate(found) if values is None]
        if open_ones:
            answers = self.work.ask(artifact, "run_many", pieces=[pieces[place] for place in open_ones])
            for place, answer in zip(open_ones, answers, strict=True):
                if isinstance(answer, EdgeExportError):
                    self.work.note(str(answer))
                else:
                    found[place] = answer.get(pieces[place][1][0])
        return found

    def _judged(
        self, segment: Segment, rows: stress.Rows, ours: np.ndarray | None, theirs: np.ndarray | None
    ) -> Nearness | None:
        if ours is None or theirs is None:
            return None
        tensor, other = self.a.graph.tensors[segment.out.a], self.b.graph.tensors[segment.out.b]
        want, got = real(ours, tensor), real(theirs, other)
        if got[0].size != want[0].size:
            return Nearness(False, float("inf"), float("inf"), True)
        got = segment.out.layout.back(got)
        moved = want[rows.count :].reshape(stress.NUDGES, rows.count, *want.shape[1:])
        return near(want[: rows.count], got, moved, rows.recorded, self.eps)


def noted(known: Mapping[Segment, Nearness | None]) -> int:
    """How many segments were run alone."""
    return sum(found is not None for found in known.values())
