"""The golden inputs, chosen by what they show of the reference: real ones first, then made-up ones at its limits.

Real inputs: the extremes of the data, a greedy cover of the bins of every channel, and the rest evenly over the
classes. Made-up inputs: patterns, children of the best, and inputs that climb along gradients to what none reached;
of these, a greedy cover of the ends of every channel and of both sides of every threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from converters.contract import Arrays, Signature
from converters.errors import UnsupportedError
from converters.reach import Reach
from pipeline import golden_cover as cover
from pipeline.checks.exercise import Exercise
from pipeline.golden_inputs import (
    AT_LIMITS,
    FEWEST_REAL,
    NO_LABEL,
    Chosen,
    count_samples,
    image_limits,
    is_picture,
    select,
)
from pipeline.golden_patterns import Legal, bred, legal_ranges, legalised, made_up

MADE_SHARE = 1 / 4
MOST_REAL, MOST_MADE, MOST_CLIMBS, CHILDREN = 4096, 512, 192, 128
"""Candidates: real ones, patterns, climbs along gradients, children of the best."""
STEPS = 8
"""Of a climb."""
_CANDIDATE_BYTES = 128 << 20
_SURVEYED_WORK, _CLIMBED_WORK = 1 << 31, 1 << 30
"""`Reach.work` that is done to find out, some seconds each: of a large model, fewer candidates. No clock is asked, so
that the same model and data give the same pack on a slow machine."""
_TOLD = 12
"""Thresholds not crossed that are named."""


class Explorer(Protocol):
    """The reference, asked what inputs do inside it."""

    def survey(self, inputs: Arrays, legal: Legal, nudged: bool) -> Reach:
        """What each channel reaches; `nudged`: whether the outputs stand still too.

        Raises:
            UnsupportedError: the model shows nothing of its inside.
        """

    def climb(self, inputs: Arrays, legal: Legal, steps: int, goals: np.ndarray) -> Arrays:
        """The inputs, each driven to a goal (value, channel, side).

        Raises:
            UnsupportedError: there are no gradients.
        """


@dataclass(frozen=True)
class Seen:
    """What all candidates reach inside the reference, the `real` ones first, and which values are legal."""

    reach: Reach
    real: int
    legal: Legal


@dataclass(frozen=True)
class Candidates:
    """Real inputs (n, *shape) by name, with labels (n,) or none, and what each is numbered as in `index`."""

    inputs: Arrays
    targets: np.ndarray | None


def choose_by_reach(
    real: Candidates,
    signature: Signature,
    count: int,
    seed: int,
    explorer: Explorer,
    say: Callable[[str], None],
    *,
    steady: bool = False,
) -> tuple[Chosen, Exercise, Seen]:
    """`count` golden inputs, or as many as there are, what share of the reference they exercise, and of what.

    `steady`: of the real inputs too, those are left out for which a rounding moves the outputs: they are made up.

    Raises:
        DataError: no real inputs, unequal counts, or NaN and Inf among them.
        UnsupportedError: the reference shows nothing of its inside.
    """
    count_samples(real.inputs, real.targets)
    specs = signature.inputs
    legal = legal_ranges(specs, real.inputs)
    probe = explorer.survey(rows_of(real.inputs, np.arange(min(2, _count(real.inputs)))), legal, False)
    sample_bytes = sum(values[:1].nbytes for values in real.inputs.values())
    most = _CANDIDATE_BYTES // max(sample_bytes, 1)
    surveyed = int(_SURVEYED_WORK // max(probe.work, 1))
    kept = select(real.inputs, real.targets, max(min(MOST_REAL, most, surveyed), count), seed)
    inputs = rows_of(real.inputs, kept)
    targets = None if real.targets is None else np.asarray(real.targets)[kept]
    say(f"looking inside: {len(kept)} real inputs")
    shown = explorer.survey(inputs, legal, steady)
    still = np.flatnonzero(shown.usable)
    if steady and FEWEST_REAL <= len(still) < len(kept):
        kept, inputs, shown = kept[still], rows_of(inputs, still), _picked(shown, still)
        targets = None if targets is None else targets[still]
    made, reach = _made(
        signature, legal, inputs, shown, explorer, say, min(MOST_MADE, most, max(surveyed // 4, 32)), seed
    )
    say(f"choosing {count} of {len(kept)} real and {_count(made)} made-up inputs")
    total, first = len(kept), np.arange(len(kept))
    wanted = min(max(round(count * MADE_SHARE), 4), max(count - FEWEST_REAL, 0), _count(made))
    bins = cover.quantile_bins(reach, first)
    chosen = _real(inputs, targets, bins, count - wanted, seed)
    later = np.arange(total, total + _count(made))
    best: list[int] = []
    for marks in (cover.both_sides(reach), cover.ends(reach), bins):
        rows = np.array([*chosen, *best], dtype=np.int64)
        best += cover.greedy(marks, np.setdiff1d(later, best), wanted - len(best), cover.together(marks, rows))
    left = np.setdiff1d(later, best)  # all is shown: any will do
    best += left[np.linspace(0, len(left) - 1, wanted - len(best)).astype(np.int64)].tolist() if len(left) else []
    extra = rows_of(made, np.array(sorted(best), dtype=np.int64) - total)
    label = np.full(len(kept), NO_LABEL) if targets is None else targets
    return (
        Chosen(
            {name: np.concatenate([inputs[name][chosen], extra[name]]) for name in inputs},
            np.concatenate([label[chosen], np.full(len(best), NO_LABEL)]).astype(np.int64),
            np.concatenate([kept[chosen], np.full(len(best), AT_LIMITS)]).astype(np.int64),
        ),
        measure(reach, bins, np.array([*chosen, *best])),
        Seen(reach, total, legal),
    )


def exercised(inputs: Arrays, seen: Seen, explorer: Explorer) -> Exercise:
    """What share of the reference other inputs exercise, of what they and all candidates do.

    Raises:
        UnsupportedError: the reference shows nothing of its inside.
    """
    reach = cover.joined(seen.reach, explorer.survey(inputs, seen.legal, False))
    bins = cover.quantile_bins(reach, np.arange(seen.real))
    return measure(reach, bins, np.arange(len(seen.reach.usable), len(reach.usable)))


def _real(inputs: Arrays, targets: np.ndarray | None, bins: cover.Marks, count: int, seed: int) -> np.ndarray:
    """Rows of real inputs: half by what they show, the rest the data's extremes and evenly over the classes."""
    total = _count(inputs)
    if count >= total:
        return np.arange(total)
    showing = cover.greedy(bins, np.arange(total), count // 2)
    left = np.setdiff1d(np.arange(total), showing)
    others = select(rows_of(inputs, left), None if targets is None else targets[left], count - len(showing), seed)
    return np.sort(np.concatenate([np.array(showing, dtype=np.int64), left[others]]))


def _made(
    signature: Signature,
    legal: Legal,
    real: Arrays,
    shown: Reach,
    explorer: Explorer,
    say: Callable[[str], None],
    count: int,
    seed: int,
) -> tuple[Arrays, Reach]:
    """Made-up inputs that the reference takes, and what real and made-up ones reach, in this order."""
    specs, total = signature.inputs, len(shown.usable)
    made = made_up(specs, legal, real, count, seed)
    pictures = [spec for spec in specs if is_picture(spec)]
    if pictures:
        drawn = {spec.name: legalised(image_limits(spec), spec, legal[spec.name]) for spec in pictures}
        number = _count(drawn)
        beside = rows_of(real, np.arange(number) % _count(real))
        made = {name: np.concatenate([(beside | drawn)[name], values]) for name, values in made.items()}
    say(f"looking inside: {_count(made)} patterns")
    made, reach = _surveyed(made, rows_of(made, np.arange(0)), legal, shown, explorer)
    if not _count(made):
        return made, reach
    limits = cover.ends(reach).beside(cover.both_sides(reach))
    parents = np.array(cover.greedy(limits, np.arange(total, len(reach.usable)), CHILDREN), dtype=np.int64) - total
    if len(parents) > 1:
        children = bred(specs, legal, rows_of(made, parents), min(CHILDREN, count), seed)
        made, reach = _surveyed(children, made, legal, reach, explorer)
    climbs = int(min(MOST_CLIMBS, count, _CLIMBED_WORK // max(3 * STEPS * reach.work, 1)))
    goals, starts = _goals(reach, climbs, seed)
    if len(goals):
        say(f"climbing to {len(goals)} limits along gradients")
        both = {name: np.concatenate([real[name], made[name]]) for name in made}
        try:
            climbed = explorer.climb(rows_of(both, starts), legal, STEPS, goals)
        except UnsupportedError:  # of integers, or by an operator without one: what patterns reach must do
            return made, reach
        climbed = {spec.name: legalised(climbed[spec.name], spec, legal[spec.name]) for spec in specs}
        made, reach = _surveyed(climbed, made, legal, reach, explorer)
    return made, reach


def _surveyed(fresh: Arrays, made: Arrays, legal: Legal, reach: Reach, explorer: Explorer) -> tuple[Arrays, Reach]:
    """The made-up inputs and the fresh ones that the reference takes, and the reach of all."""
    try:
        found = explorer.survey(fresh, legal, True)
    except UnsupportedError:
        return made, reach
    good = np.flatnonzero(found.usable)
    found = _picked(found, good)
    return {name: np.concatenate([made[name], fresh[name][good]]) for name in made}, cover.joined(reach, found)


def _picked(reach: Reach, rows: np.ndarray) -> Reach:
    """What these samples reach."""
    return Reach(reach.watched, reach.least[rows], reach.greatest[rows], reach.usable[rows], reach.work)


def _goals(reach: Reach, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(goals (n, 3), the rows to start from): thresholds that none crosses first, then ends of channels, drawn."""
    random = np.random.default_rng(seed)
    starts = np.cumsum([0, *(value.channels for value in reach.watched)])
    goals: list[tuple[int, int, int]] = []
    below, above = cover.sides(reach)
    for (number, channel, _), under, over in zip(cover.threshold_places(reach), below.T, above.T, strict=True):
        if not under.any() or not over.any():
            goals.append((int(number), int(channel), 1 if under.any() else -1))
    goals = list(dict.fromkeys(goals))
    if len(goals) > count * 3 // 4:
        goals = [goals[i] for i in np.sort(random.permutation(len(goals))[: count * 3 // 4])]
    low, high = cover.seen(reach)
    moving = np.flatnonzero(high > low)
    for column in random.permutation(moving)[: count - len(goals)]:
        number = int(np.searchsorted(starts, column, side="right")) - 1
        goals.append((number, int(column - starts[number]), int(random.choice([-1, 1]))))
    rows = []
    for number, channel, sign in goals:
        column = starts[number] + channel
        values = reach.greatest[:, column] if sign > 0 else -reach.least[:, column]
        rows.append(int(np.argmax(np.where(np.isfinite(values), values, -np.inf))))
    return np.array(goals, dtype=np.int64).reshape(-1, 3), np.array(rows, dtype=np.int64)


def measure(reach: Reach, bins: cover.Marks, chosen: np.ndarray) -> Exercise:
    """What share of the reference the chosen samples exercise, of what all candidates do."""
    everything = np.arange(len(reach.usable))
    low, high = cover.seen(reach)
    moving = high > low
    near = cover.NEAR * (high - low)
    own = _picked(reach, chosen)
    least, greatest = cover.seen(own)
    both = moving & (least <= low + near) & (greatest >= high - near)
    below, above = cover.sides(reach)
    crossed = below[chosen].any(axis=0) & above[chosen].any(axis=0)
    reachable = below.any(axis=0) & above.any(axis=0)
    missed: dict[str, int] = {}
    for (number, _, turn), done, under in zip(
        cover.threshold_places(reach), crossed, below[chosen].any(axis=0), strict=True
    ):
        if not done:
            value = reach.watched[number]
            where = f"{value.name} {value.op}".strip()
            text = f"{where} never {'above' if under else 'below'} {value.thresholds[turn]:g}"
            missed[text] = missed.get(text, 0) + 1
    return Exercise(
        candidates=len(everything),
        channels=len(moving),
        unmoved=int((~moving).sum()),
        ends_share=_share(both.sum(), moving.sum()),
        bins_share=_share(bins.shown(chosen), bins.shown(everything)),
        thresholds=len(crossed),
        crossed=int(crossed.sum()),
        reachable=int(reachable.sum()),
        not_crossed=tuple(f"{text}: {number} channels" for text, number in list(missed.items())[:_TOLD]),
    )


def rows_of(arrays: Arrays, rows: np.ndarray) -> Arrays:
    """These samples of each."""
    return {name: values[rows] for name, values in arrays.items()}


def _count(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 1.0
