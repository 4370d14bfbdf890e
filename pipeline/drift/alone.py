"""Segments of two models run alone on the same values, recorded ones and made-up ones, and compared."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Op
from converters.reach import moves_only
from pipeline.checks.drift import folding, numbers, run_time, stress
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.grids import Grid, grid_of, quantized
from pipeline.checks.drift.known import SAMPLES, Known
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import EPS, HALF_EPS, LARGEST, Nearness, half_share
from pipeline.checks.drift.values import real
from pipeline.drift import judging, unrounding
from pipeline.drift.work import Work, in_batches

MOST_ROWS, LEAST_ROWS = 10, 4
MOST_ELEMENTS = 48_000_000
"""Of all tensors of a model, over the rows that are compared: fewer rows for large models."""
MOST_BYTES = 64 << 20
"""Of what segments that are run at a time are given and give, in float32: nudged and stored several times that."""
ENOUGH_VALUES, MOST_ROUNDED = 20_000, 64
"""Values, and rows, on which rounding is judged."""
ROUNDED = 0.02
"""Of the weights on a grid: from here on a model is one that rounds."""
HALF = 0.25
"""Of the computed float tensors in 16 bits: from here on a model is one of half precision."""
Piece = tuple[dict[int, np.ndarray], tuple[int, ...]]
SURELY = 0.35
"""In what is allowed: up to here a segment that agrees proves what lies inside, beyond it may be a fault that fades."""


@dataclass
class Alone:
    """Runs segments of two models. What was run once is remembered."""

    work: Work
    a: Known
    b: Known
    rough: bool = False

    def __post_init__(self) -> None:
        elements = sum(values[0].size for values in self.a.recorded.values())
        self.most = 1 if self.rough else int(np.clip(MOST_ELEMENTS // max(elements, 1), LEAST_ROWS, MOST_ROWS))
        self.limits = {
            index: spec.limits
            for index, spec in zip(self.a.graph.inputs, self.work.a.source.inputs, strict=False)
            if spec.limits
        }
        halves = max(half_share(side.graph.tensors[i].dtype for i in side.recorded) for side in (self.a, self.b))
        self.eps = HALF_EPS if halves > HALF else EPS
        held = folding.held(self.b, self.b.graph.ops)
        weights = [(one.values.size, one.step is not None) for one in held]
        whole = sum(size for size, _ in weights)
        self.half = sum(one.values.size for one in held if one.half) > HALF * whole
        self.rounded = not weights or sum(size for size, small in weights if small) > ROUNDED * whole
        self._known: dict[Segment, Nearness | None] = {}
        self._reference_of: dict[Segment, tuple[np.ndarray | None, bool]] = {}
        self._grids: dict[tuple[bool, int, bool], Grid | None] = {}
        self._last: tuple[Segment, stress.Rows] | None = None

    def compare(self, segments: Sequence[Segment]) -> dict[Segment, Nearness | None]:
        """For each segment how near both sides are; None where one of them cannot be run alone."""
        fresh = [segment for segment in dict.fromkeys(segments) if segment not in self._known]
        for batch in in_batches(fresh, self._size, MOST_BYTES):
            self._compare(batch)
        return {segment: self._known[segment] for segment in segments}

    def _size(self, segment: Segment) -> int:
        tensors = [segment.out.a, *(start.a for start in segment.given)]
        return 4 * self._most(segment) * sum(self.a.recorded[index][0].size for index in tensors)

    def _compare(self, fresh: Sequence[Segment]) -> None:
        made = [self.values(segment) for segment in fresh]
        weights = [self.weights(segment) for segment in fresh]
        plain = [self.tight(segment) or not self._carries(segment) for segment in fresh]
        ours = self._reference(fresh, made, weights, plain)
        theirs = self.asked(self.work.b, [self.piece(False, s, r.starts) for s, r in zip(fresh, made, strict=True)])
        for place, segment in enumerate(fresh):
            self._known[segment] = self._judged(segment, made[place], bool(weights[place]), ours[place], theirs[place])
        self._again(fresh, made, [place for place, alone in enumerate(plain) if alone], theirs)
        for segment in fresh:
            found = self._known[segment]
            self._known[segment] = unrounding.settled(self, segment, found) if found else None

    def judge(self, segment: Segment, pieces: Sequence[Piece]) -> list[Nearness | None]:
        """What `compare` would say of a segment if b gave what these pieces give."""
        made, (ours, put) = self.values(segment), self._once(segment)
        return [self._judged(segment, made, put, ours, values) for values in self.asked(self.work.b, pieces)]

    def wanted(self, segment: Segment) -> np.ndarray | None:
        """The real values that the reference gives, (rows, *shape); None where it cannot be run alone."""
        ours, _ = self._once(segment)
        return None if ours is None else real(ours, self.a.graph.tensors[segment.out.a])[: self.values(segment).count]

    def _once(self, segment: Segment) -> tuple[np.ndarray | None, bool]:
        """What the reference gives, nudged rows behind where they tell, and whether it has the other's weights."""
        if segment not in self._reference_of:
            made, weights = self.values(segment), [self.weights(segment)]
            found = self._reference([segment], [made], weights, [not self._carries(segment)])
            self._reference_of[segment] = found[0], bool(weights[0])
        return self._reference_of[segment]

    def _again(
        self,
        fresh: Sequence[Segment],
        made: Sequence[stress.Rows],
        plain: Sequence[int],
        theirs: Sequence[np.ndarray | None],
    ) -> None:
        """Judges those again that were judged without nudged values, where only these tell: most agree without."""
        doubtful = [
            place
            for place in plain
            if self._carries(fresh[place]) and (found := self._known[fresh[place]]) and found.excess > SURELY
        ]
        cuts, rows = [fresh[place] for place in doubtful], [made[place] for place in doubtful]
        ours = self._reference(cuts, rows, [{} for _ in cuts], [False for _ in cuts])
        for place, values, segment in zip(doubtful, ours, cuts, strict=True):
            self._known[segment] = self._judged(segment, made[place], False, values, theirs[place])

    def _reference(
        self,
        segments: Sequence[Segment],
        rows: Sequence[stress.Rows],
        weights: list[dict[int, np.ndarray]],
        plain: Sequence[bool],
    ) -> list[np.ndarray | None]:
        """What the reference gives; the nudged rows behind, but for those of `plain`. Takes weights out that stay."""
        starts = [r.starts if bare else stress.nudged(r, 1) for r, bare in zip(rows, plain, strict=True)]
        pieces = [self.piece(True, segment, values) for segment, values in zip(segments, starts, strict=True)]
        ours = self.asked(self.work.a, [weighted(piece, w) for piece, w in zip(pieces, weights, strict=True)])
        for place, (values, put) in enumerate(zip(ours, weights, strict=True)):
            if values is None and put:  # its constants cannot be changed
                ours[place], weights[place] = self.asked(self.work.a, [pieces[place]])[0], {}
        return ours

    def _carries(self, segment: Segment) -> bool:
        """Whether what rounding its inputs does to the reference's segment says how near the other must be."""
        return not self.rough and not self.roundings(segment)

    def grid(self, first: bool, index: int, *, read: bool = False) -> Grid | None:
        """The grid of a tensor of a (`first`) or b, or of what reads it; none in a model that does not round."""
        if not first and not self.rounded:
            return None
        key = (first, index, read)
        if key not in self._grids:
            self._grids[key] = grid_of(self.a if first else self.b, index, read=read)
        return self._grids[key]

    def roundings(self, segment: Segment) -> int:
        """How many operators of b's segment give out 8- or 16-bit integers, or what lies on their grid; new ones.

        None in a model whose weights are not rounded: there a grid is a fault.
        """
        if not self.rounded:
            return 0
        made = [(op, i) for op in segment.ops_b for i in op.outputs if i == segment.out.b or i in self.b.computed]
        stored = [(op, index) for op, index in made if self.grid(False, index) is not None]
        return max(sum(not self._moved(op, index) for op, index in stored), min(len(stored), 1))

    def _moved(self, op: Op, index: int) -> bool:
        """Whether an operator of b only moves integers, which stay on their grid."""
        taken = [i for i in op.inputs if i in self.b.computed]
        return moves_only(op.type) and all(self.grid(False, i) == self.grid(False, index) for i in taken)

    def tight(self, segment: Segment) -> bool:
        """Whether nothing in a segment rounds to less than float32, so that all that is left is the order of sums."""
        weights = folding.held(self.b, segment.ops_b, 1)
        return self.eps_of(segment) == EPS and not self.roundings(segment) and not any(one.rounded for one in weights)

    def eps_of(self, segment: Segment) -> float:
        """The rounding of what a segment computes in: 16 bits too where b stores its weights so and passes through.

        At least what a converter's own epsilon beside a variance of 1 leaves, in the largest values.
        """
        passes = (self.b.graph.tensors[index].dtype for op in segment.ops_b for index in op.outputs)
        own = numbers.beside_one(self.b, segment.ops_b) / 2 / LARGEST
        return HALF_EPS if self.half and "float16" in passes else max(self.eps, own)

    def weights(self, segment: Segment) -> dict[int, np.ndarray]:
        """The reference's weights as the other side has rounded them, where it has; roughly only coarse ones matter."""
        theirs = folding.held(self.b, segment.ops_b)
        if not any(one.near > folding.NEAR if self.rough else one.rounded for one in theirs):
            return {}
        pairs = folding.folded(folding.held(self.a, segment.ops_a), theirs)
        rounded = [
            one for one in pairs if one.b.coarser(one.a) and not one.partly and one.b.values.size > one.b.values.ndim
        ]
        rounded = [one for one in rounded if not (one.a.multiplied or one.b.multiplied)]
        return {one.a.index: folding.substituted(one) for one in rounded}

    def values(self, segment: Segment) -> stress.Rows:
        """Values for the starts, such as both sides can store; those of the last segment are kept."""
        if self._last is None or self._last[0] is not segment:
            self._last = segment, self._made(segment)
        return self._last[1]

    def _made(self, segment: Segment) -> stress.Rows:
        recorded, most = list[np.ndarray](), self._most(segment)
        for start in segment.given:
            values = self._recorded(start.a, max(most // 2, SAMPLES))
            whole = self.a.recorded[start.a].dtype.kind != "f" and self.grid(True, start.a) is None
            values = values.astype(np.int64) if whole else self._settled(start, values.astype(np.float32, copy=False))
            recorded.append(values)
        key = ",".join(str(start.b) for start in segment.given).encode()
        found = stress.rows(recorded, zlib.crc32(key), most)
        starts = tuple(
            self._settled(start, self._cut_off(segment, start, self._legal(start, values)))
            for start, values in zip(segment.given, found.starts, strict=True)
        )
        return stress.Rows(starts, found.recorded, found.made_up)

    def _recorded(self, index: int, count: int) -> np.ndarray:
        """The first samples of a tensor of a, real values; those in float32 as they are."""
        held = self.a.recorded[index][:count]
        return held if held.dtype == np.float32 else self.a.real(index, count)

    def _most(self, segment: Segment) -> int:
        """Rows for a segment: more where it gives out few values, and rounding must be told from faults."""
        if self.rough or not self.roundings(segment):
            return self.most
        sizes = [self.a.recorded[index][0].size for index in (segment.out.a, *(start.a for start in segment.given))]
        return int(np.clip(ENOUGH_VALUES // max(sizes), self.most, MOST_ROUNDED))

    def _legal(self, start: Partner, values: np.ndarray) -> np.ndarray:
        plain = not self.rounded and self.eps == EPS
        return stress.legal(values, self.limits[start.a], plain) if start.a in self.limits else values

    def _cut_off(self, segment: Segment, start: Partner, values: np.ndarray) -> np.ndarray:
        """On the grid to which b's segment brings a start first of all, where nothing else there reads it.

        What is lost by that is another file's affair, as a picture whose values are no whole numbers.
        """
        readers = [op for op in segment.ops_b if start.b in op.inputs]
        if self.rounded and len(readers) == 1 and (grid := quantized(self.b, readers[0])):
            values = grid.settled(values)
        return values

    def _settled(self, start: Partner, values: np.ndarray) -> np.ndarray:
        """Moved to values that the tensor of b can store, and that of a."""
        for side, index, first in ((self.b, start.b, False), (self.a, start.a, True)):
            grid, dtype = self.grid(first, index, read=True), side.recorded[index].dtype
            if grid is not None:
                values = grid.settled(values)
            elif dtype.kind == "f" and (found := run_time.grid_at(side, index)):
                values = found.settled(values)
            elif dtype.kind == "f":
                values = stress.stored(values, side.graph.tensors[index], dtype).astype(values.dtype)
        return values

    def piece(self, first: bool, segment: Segment, starts: Sequence[np.ndarray]) -> Piece:
        """(values that a side is given, the tensor wanted) for rows of the starts' real values."""
        side = self.a if first else self.b
        given = {}
        for start, values in zip(segment.given, starts, strict=True):
            index = start.a if first else start.b
            lying = values if first else start.layout.carry(values)
            given[index] = stress.stored(lying, side.graph.tensors[index], side.recorded[index].dtype)
        for index in segment.fixed_a if first else segment.fixed_b:
            given[index] = np.repeat(side.recorded[index][:1], len(starts[0]), axis=0)
        return given, (segment.out.a if first else segment.out.b,)

    def asked(self, artifact: Artifact, pieces: Sequence[Piece]) -> list[np.ndarray | None]:
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
        self, segment: Segment, rows: stress.Rows, put: bool, ours: np.ndarray | None, theirs: np.ndarray | None
    ) -> Nearness | None:
        if ours is None or theirs is None:
            return None
        if any(stress.is_logarithm(ops[-1]) for ops in (segment.ops_a, segment.ops_b) if ops):
            ours, theirs = (stress.within_logarithms(values, rows.recorded) for values in (ours, theirs))
        return judging.judged(self, segment, rows, put, ours, theirs)


def weighted(piece: Piece, weights: Mapping[int, np.ndarray]) -> Piece:
    """A piece that is given other weights too, the same in each row."""
    given, wanted = piece
    count = len(next(iter(given.values()))) if given else 0
    put = {i: np.broadcast_to(values.astype(np.float32), (count, *values.shape)) for i, values in weights.items()}
    return {**given, **put}, wanted
