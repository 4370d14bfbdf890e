"""Which tensor of one model is which of the other: by the values that they hold, in any layout and number type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.checks.drift.grids import grid_of
from pipeline.checks.drift.known import POINTS, Known
from pipeline.checks.drift.layout import Layout, layouts

SAME_DB = 60.0
"""Signal to error from which two float tensors are surely one: honest ones show 100 to 190 dB."""
NEAR_DB = 10.0
"""For those without a sure partner: between two precisions true partners show 24 to 51 dB, others at most 4.4 dB; a
faulty layer leaves its tensor anywhere below."""
CUT_OFF, LOST = 0.01, 0.75
"""Of the values of a tensor: where more lie at the ends of its grid, its partner is looked for among values cut so;
where still more do, whatever lies beyond them looks the same."""
ALIKE_DB = 0.25
"""Of two partners for one tensor: less tells nothing, and the first in the order of computation is likelier."""


@dataclass(frozen=True)
class Partner:
    """Tensor `a` of the reference holds what tensor `b` holds, in another `layout`; `db` is signal to error."""

    a: int
    b: int
    layout: Layout
    db: float


def matched(a: Known, b: Known) -> dict[int, Partner]:
    """For each tensor of b that has one, its partner; the surest first, and none across the order of computation."""
    rows = _classes(a), _classes(b)
    scored = sorted(_scores(a, b, *rows), key=lambda score: (-round(score[0] / ALIKE_DB), score[1], score[2]))
    taken_a: dict[int, int] = {}
    taken_b: dict[int, int] = {}
    found: dict[int, Partner] = {}
    for _, first, second in scored:
        if first in taken_a or second in taken_b:
            continue
        made = list(_paired(a, b, rows[0][first], rows[1][second]))
        if made and all(in_order(a, b, pair, found.values()) for pair in made):
            taken_a[first], taken_b[second] = second, first
            found |= {pair.b: pair for pair in made}
    return found


def best_layout(want: np.ndarray, got: np.ndarray) -> tuple[float, Layout | None]:
    """(signal to error in dB, layout) that brings real values `got` of b nearest to `want` of a, (n, *shape) each."""
    size = want[0].size
    at = np.arange(size) if size <= POINTS else np.sort(np.random.default_rng(0).integers(0, size, POINTS))
    first, second = want.reshape(len(want), -1), got.reshape(len(got), -1)
    points = first[:, at]
    signal = _power(points)
    best: tuple[float, Layout | None] = (-np.inf, None)
    for layout in layouts(want.shape[1:], got.shape[1:]):
        with np.errstate(invalid="ignore", over="ignore"):
            noise = float(np.square(points - second[:, layout.places(at)]).sum())
        if not np.isfinite(noise):
            continue
        db = float(10 * np.log10(max(signal, 1e-300) / max(noise, 1e-20 * signal, 1e-300)))
        if db > best[0] + 1e-6:
            best = (db, layout)
    return best


def _power(points: np.ndarray) -> float:
    """Of what moves; of all where nothing does."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.square(points - points.mean()).sum()) or float(np.square(points).sum())


def _classes(side: Known) -> list[list[int]]:
    """The tensors of one model by what they hold: those of the same values together, in the order of computation."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for index in sorted(side.recorded, key=lambda index: side.rank.get(index, -1)):
        if index in side.steady or index not in side.live or index not in side.rank or bare(side, index):
            continue
        figures = sketch(side, index)
        if np.isfinite(figures).all():
            key = (side.recorded[index][0].size, *(float(f"{value:.9g}") for value in figures))
            groups.setdefault(key, []).append(index)
    return list(groups.values())


def bare(side: Known, index: int) -> bool:
    """Whether a tensor holds the integers of a grid that the file does not say: they stand for other numbers."""
    small = str(side.recorded[index].dtype) in ("int8", "uint8", "int16", "uint16")
    return small and side.graph.tensors[index].quantization is None and index not in side.graph.inputs


def sketch(side: Known, index: int) -> np.ndarray:
    """Mean, deviation and mean size of each sample: the same in any layout."""
    return _figures(side.real(index))


def _figures(values: np.ndarray) -> np.ndarray:
    rows = values.reshape(len(values), -1)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.concatenate([rows.mean(1), rows.std(1), np.abs(rows).mean(1)])


def _scores(a: Known, b: Known, rows_a: list[list[int]], rows_b: list[list[int]]) -> Iterable[tuple[float, int, int]]:
    """(dB, class of a, class of b) of those that may be one."""
    by_size: dict[int, list[int]] = {}
    for number, members in enumerate(rows_a):
        by_size.setdefault(a.recorded[members[0]][0].size, []).append(number)
    sketches = [sketch(a, members[0]) for members in rows_a]
    for second, members in enumerate(rows_b):
        others = by_size.get(b.recorded[members[0]][0].size, [])
        scored = list(_near(a, b, rows_a, others, [sketches[first] for first in others], members))
        if not scored and (ends := _cut_at(b, members[-1])):
            left = [first for first in others if _beyond(a.real(rows_a[first][-1]), *ends) <= LOST]
            cut = [_figures(np.clip(a.real(rows_a[first][-1]), *ends)) for first in left]
            scored = list(_near(a, b, rows_a, left, cut, members, ends))
        yield from ((db, first, second) for db, first in scored)


def _near(
    a: Known,
    b: Known,
    rows_a: list[list[int]],
    others: list[int],
    figures: list[np.ndarray],
    members: list[int],
    ends: tuple[float, float] | None = None,
) -> Iterable[tuple[float, int]]:
    """(dB, class of a) of the classes `others`, with these figures, that may be one class of b."""
    own = sketch(b, members[0])
    kept = [(first, found) for first, found in zip(others, figures, strict=True) if len(found) == len(own)]
    if not kept:
        return
    table = np.array([found for _, found in kept])
    spread = np.maximum(np.abs(table), np.abs(own)).max(1, keepdims=True)
    gaps = (np.abs(table - own) / np.maximum(spread, 1e-300)).max(1)
    sure = [first for (first, _), gap in zip(kept, gaps, strict=True) if gap <= 2e-3]
    near = [first for (first, _), gap in zip(kept, gaps, strict=True) if 2e-3 < gap <= 0.4]
    got = [_db(a, b, rows_a[first], members, ends) for first in sure]
    yield from ((db, first) for db, first in zip(got, sure, strict=True) if db >= NEAR_DB)
    if max(got, default=0.0) < SAME_DB:
        for first in near:
            if (db := _db(a, b, rows_a[first], members, ends)) >= NEAR_DB:
                yield db, first


def _db(a: Known, b: Known, ours: list[int], theirs: list[int], ends: tuple[float, float] | None) -> float:
    want = a.real(ours[-1])
    return best_layout(np.clip(want, *ends) if ends else want, b.real(theirs[-1]))[0]


def _cut_at(side: Known, index: int) -> tuple[float, float] | None:
    """The ends of the grid of a tensor of which many values lie there: cut off, as the reference's are not."""
    grid = grid_of(side, index)
    if grid is None:
        return None
    low, high = grid.ends()
    half = grid.scale / 2
    return (low, high) if CUT_OFF < _beyond(side.real(index), low + half, high - half) <= LOST else None


def _beyond(values: np.ndarray, low: float, high: float) -> float:
    """The share of values at or beyond two ends."""
    return float(((values <= low) | (values >= high)).mean()) if values.size else 0.0


def _paired(a: Known, b: Known, ours: list[int], theirs: list[int]) -> Iterable[Partner]:
    """The partners among tensors of the same values: all in their order, or where one side has more, the last ones.

    Not one of two copies that both are read: a segment behind the one would start before the other.
    """
    if len(ours) != len(theirs):
        ours, theirs = [_junction(a, ours)], [_junction(b, theirs)]
    for one, two in zip(ours, theirs, strict=True):
        db, layout = best_layout(a.real(one), b.real(two))
        if layout is not None:
            yield Partner(one, two, layout, db)


def _junction(side: Known, same: list[int]) -> int:
    """The last of some tensors, in the order of computation; of copies beside each other what they are made from."""
    read = [
        index
        for index in same
        if index in side.graph.outputs
        or any(out not in same for op in side.readers.get(index, ()) for out in op.outputs)
    ]
    if all(side.before[same[-1]] >> side.rank[other] & 1 for other in read):
        return same[-1]
    for index in reversed(same):
        if all(other == index or side.before[other] >> side.rank[index] & 1 for other in read):
            return index
    return same[-1]


def in_order(a: Known, b: Known, pair: Partner, others: Iterable[Partner]) -> bool:
    """Whether no other pair says that what comes first in one model comes second in the other."""
    before_a, before_b = a.before[pair.a], b.before[pair.b]
    for other in others:
        first = bool(before_a >> a.rank[other.a] & 1), bool(before_b >> b.rank[other.b] & 1)
        second = (
            bool(a.before[other.a] >> a.rank[pair.a] & 1),
            bool(b.before[other.b] >> b.rank[pair.b] & 1),
        )
        if (first[0] and second[1]) or (first[1] and second[0]):
            return False
    return True
