"""Which samples show most of what a model does: greedy cover of what its channels reach, and what share was shown.

For each channel of each value inside the model: the bins of its least and of its greatest value over a sample, cut at
quantiles of all candidates; both ends that any candidate reaches; both sides of each threshold of an activation.
Greedy choice reaches at least 63 % of what any choice of as many could (Nemhauser, Wolsey and Fisher, 1978).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from converters.reach import Reach

BINS = 8
NEAR = 0.05
"""Of a channel's span: so near to its end is at it."""
_MOST_MARKS = 1 << 26
"""Of one kind, over all samples: of more, evenly many channels count."""


@dataclass(frozen=True)
class Marks:
    """What each of n samples shows: (n, bytes) packed bits."""

    bits: np.ndarray

    def shown(self, rows: np.ndarray) -> int:
        """How many marks these samples show together."""
        return int(np.bitwise_count(np.bitwise_or.reduce(self.bits[rows], axis=0)).sum()) if len(rows) else 0

    def beside(self, other: Marks) -> Marks:
        """The marks of both kinds, of the same samples."""
        return Marks(np.concatenate([self.bits, other.bits], axis=1))


def quantile_bins(reach: Reach, rows: np.ndarray) -> Marks:
    """The bins of every channel's least and greatest value, cut at the quantiles of `rows`; none where none moves."""
    columns = np.concatenate([reach.least, reach.greatest], axis=1)
    columns = columns[:, _thinned(columns.shape, BINS)]
    sorted_ = np.sort(columns[rows], axis=0)  # NaN last
    known = np.isfinite(sorted_).sum(axis=0)
    place = np.maximum(known - 1, 0)
    moving = (known > 1) & (sorted_[0] < np.take_along_axis(sorted_, place[np.newaxis], axis=0)[0])
    columns, sorted_, place = columns[:, moving], sorted_[:, moving], place[moving]
    code = np.zeros(columns.shape, np.uint8)
    for cut in range(1, BINS):
        edge = np.take_along_axis(sorted_, (place * cut // BINS)[np.newaxis], axis=0)
        code += columns > edge
    there = np.isfinite(columns)
    return Marks(np.concatenate([np.packbits((code == each) & there, axis=1) for each in range(BINS)], axis=1))


def ends(reach: Reach) -> Marks:
    """Whether a sample brings a channel to the least, and to the greatest, value that any brings it to."""
    low, high = seen(reach)
    near = NEAR * (high - low)
    moving = (high > low)[_thinned(reach.least.shape, 2)]
    kept = _thinned(reach.least.shape, 2)[moving]
    with np.errstate(invalid="ignore"):
        bottom, top = reach.least <= low + near, reach.greatest >= high - near
    return Marks(np.packbits(np.concatenate([bottom[:, kept], top[:, kept]], axis=1), axis=1))


def sides(reach: Reach) -> tuple[np.ndarray, np.ndarray]:
    """Below and above each threshold of each channel, (n, thresholds) bool each."""
    below, above = [], []
    for columns, at in _clipped(reach):
        below.append(reach.least[:, columns] < at)
        above.append(reach.greatest[:, columns] > at)
    none = np.zeros((len(reach.least), 0), dtype=bool)
    return np.concatenate([none, *below], axis=1), np.concatenate([none, *above], axis=1)


def both_sides(reach: Reach) -> Marks:
    """`sides` as marks."""
    return Marks(np.packbits(np.concatenate(sides(reach), axis=1), axis=1))


def seen(reach: Reach) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each channel over all samples; equal where it never ran."""
    low = np.where(np.isfinite(reach.least), reach.least, np.inf).min(axis=0)
    high = np.where(np.isfinite(reach.greatest), reach.greatest, -np.inf).max(axis=0)
    never = ~np.isfinite(low) | ~np.isfinite(high)
    return np.where(never, 0, low), np.where(never, 0, high)


def threshold_places(reach: Reach) -> np.ndarray:
    """Of each threshold of `sides`, (t, 3): number of the watched value, channel, and which of its thresholds."""
    places = [
        (number, channel, turn)
        for number, value in enumerate(reach.watched)
        for turn in range(len(value.thresholds))
        for channel in range(value.channels)
    ]
    return np.array(places, dtype=np.int64).reshape(-1, 3)


def greedy(marks: Marks, rows: np.ndarray, count: int, shown: np.ndarray | None = None) -> list[int]:
    """Up to `count` of `rows`, each the one that shows most that none before it did; it ends when none shows more.

    Gains only shrink, so that a sample whose old gain is below another's new one need not be looked at (Minoux, 1978).
    """
    covered = np.zeros(marks.bits.shape[1], np.uint8) if shown is None else shown.copy()
    heap = [(-int(gain), int(row)) for gain, row in zip(_gains(marks.bits[rows], covered), rows, strict=True)]
    heapq.heapify(heap)
    chosen: list[int] = []
    while heap and len(chosen) < count:
        _, row = heapq.heappop(heap)
        gain = int(np.bitwise_count(marks.bits[row] & ~covered).sum())
        if gain == 0:
            continue
        if heap and (-gain, row) > heap[0]:
            heapq.heappush(heap, (-gain, row))
            continue
        chosen.append(row)
        covered |= marks.bits[row]
    return chosen


def together(marks: Marks, rows: np.ndarray) -> np.ndarray:
    """What these samples show together, packed."""
    return np.bitwise_or.reduce(marks.bits[rows], axis=0) if len(rows) else np.zeros(marks.bits.shape[1], np.uint8)


def joined(first: Reach, second: Reach) -> Reach:
    """The samples of both; values that only one of them saw are left out."""
    if first.watched != second.watched:
        starts = [dict(zip(_unique(reach), _starts(reach), strict=True)) for reach in (first, second)]
        common = [key for key in starts[0] if key in starts[1]]
        pairs = [
            np.concatenate(
                [np.arange(start[key], start[key] + key[0].channels) for key in common] or [np.zeros(0, int)]
            )
            for start in starts
        ]
        first = _only(first, tuple(key[0] for key in common), pairs[0])
        second = _only(second, tuple(key[0] for key in common), pairs[1])
    return Reach(
        first.watched,
        np.concatenate([first.least, second.least]),
        np.concatenate([first.greatest, second.greatest]),
        np.concatenate([first.usable, second.usable]),
        max(first.work, second.work),
    )


def _only(reach: Reach, watched: tuple, columns: np.ndarray) -> Reach:  # type: ignore[type-arg]
    return Reach(watched, reach.least[:, columns], reach.greatest[:, columns], reach.usable, reach.work)


def _unique(reach: Reach) -> list[tuple]:  # type: ignore[type-arg]
    """Each watched value with its turn among equal ones."""
    turns: dict[object, int] = {}
    found = []
    for value in reach.watched:
        turns[value] = turns.get(value, 0) + 1
        found.append((value, turns[value]))
    return found


def _starts(reach: Reach) -> list[int]:
    widths = [value.channels for value in reach.watched]
    return [0, *np.cumsum(widths).tolist()][: len(widths)]


def _clipped(reach: Reach) -> list[tuple[slice, float]]:
    return [
        (slice(start, start + value.channels), at)
        for start, value in zip(_starts(reach), reach.watched, strict=True)
        for at in value.thresholds
    ]


def _thinned(shape: tuple[int, ...], bits: int) -> np.ndarray:
    """Which columns count, indices: all, or evenly many where there are too many."""
    rows, columns = shape
    most = max(_MOST_MARKS // max(rows * bits, 1), 1)
    return np.unique(np.linspace(0, columns - 1, min(columns, most)).astype(np.int64)) if columns else np.arange(0)


def _gains(bits: np.ndarray, covered: np.ndarray) -> np.ndarray:
    return np.bitwise_count(bits & ~covered).sum(axis=1, dtype=np.int64)
