"""Which inputs go into the golden pack: chosen from data, made at the limits, or made up where there is no data.

The criterion. One random input misses a quarter of the faults that hundreds of real ones find, and some show only
where activations are driven to their limits. So: an eighth of the pack are the data's own extremes, the rest is drawn
evenly over the classes, and image models get a few made-up pictures at the ends of the legal range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from converters.contract import Arrays, Signature, TensorSpec
from converters.errors import DataError

LEAST, MOST = 32, 256
"""Samples in a pack: fewer prove little, more cost every phone time and space."""
FEWEST, FEWEST_REAL = 20, 16
"""Samples where one of them alone is larger than a pack should be; and those that are not made up, in any pack."""

BUDGET_BYTES = 16 << 20
"""Of inputs made up for a file alone: large images mean fewer samples, never less than `LEAST`."""

NO_LABEL = -1
"""In `label`: the sample has none."""
AT_LIMITS = -1
"""In `index`: the sample is made up at the ends of the legal range."""

IMAGE_RANGE = (0.0, 255.0)
_EXTREME_SHARE = 1 / 8
_MEASURES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda rows: rows.mean(axis=1),  # darkest, brightest
    lambda rows: rows.std(axis=1),  # flattest, most contrast
    lambda rows: np.abs(np.diff(rows, axis=1)).mean(axis=1) if rows.shape[1] > 1 else rows[:, 0],  # smoothest, busiest
    lambda rows: np.square(rows - rows.mean(axis=0)).sum(axis=1),  # most usual, most unusual
)


@dataclass(frozen=True)
class Chosen:
    """Golden inputs (n, *shape) by name, their labels and their places in the data, both (n,) int64."""

    inputs: Arrays
    label: np.ndarray
    index: np.ndarray


def choose(inputs: Arrays, targets: np.ndarray | None, signature: Signature, count: int, seed: int) -> Chosen:
    """`count` golden inputs out of real ones, image limits included, by the inputs alone: nothing inside is seen.

    Args:
        inputs: (n, *shape) by name, in the source model's layout.
        targets: (n,) integer labels, or None.
        signature: the source model's.
        count: how many are wanted.
        seed: of the draw; the same seed chooses the same samples.

    Raises:
        DataError: no samples, unequal counts, or NaN and Inf among them.
    """
    count_samples(inputs, targets)
    at_limits = [spec for spec in signature.inputs if is_picture(spec)] if count >= LEAST else []
    made = image_limits(at_limits[0]) if at_limits else np.empty(0)
    index = select(inputs, targets, count - len(made), seed)
    label = np.full(len(index), NO_LABEL) if targets is None else np.asarray(targets)[index]
    chosen = {name: values[index] for name, values in inputs.items()}
    if at_limits:
        beside = np.arange(len(made)) % len(index)
        extra = {name: values[beside] for name, values in chosen.items()}
        extra |= {spec.name: image_limits(spec).astype(inputs[spec.name].dtype) for spec in at_limits}
        chosen = {name: np.concatenate([values, extra[name]]) for name, values in chosen.items()}
    return Chosen(
        chosen,
        np.concatenate([label, np.full(len(made), NO_LABEL)]).astype(np.int64),
        np.concatenate([index, np.full(len(made), AT_LIMITS)]).astype(np.int64),
    )


def choose_synthetic(signature: Signature, count: int, seed: int, budget: int = BUDGET_BYTES) -> Chosen:
    """`count` made-up golden inputs (see `synthesise`), each once, numbered from 0 and without labels.

    Fewer where there are no more: a single token of a vocabulary of 50 has 50 values.
    """
    count = min(count, golden_count(synthesise(signature.inputs, 1, seed), budget, max(count, LEAST)))
    inputs = synthesise(signature.inputs, count, seed)
    rows = zip(*([value.tobytes() for value in values] for values in inputs.values()), strict=True)
    once = sorted({row: place for place, row in reversed(list(enumerate(rows)))}.values())
    inputs = {name: values[once] for name, values in inputs.items()}
    return Chosen(inputs, np.full(len(once), NO_LABEL, np.int64), np.arange(len(once), dtype=np.int64))


def golden_count(inputs: Arrays, budget_bytes: int = BUDGET_BYTES, most: int = MOST) -> int:
    """How many samples of this size, (n, *shape) each, fit the budget, within `LEAST` and `most`."""
    one = sum(values[:1].nbytes for values in inputs.values())
    return int(np.clip(budget_bytes // max(one, 1), LEAST, most))


def select(inputs: Arrays, targets: np.ndarray | None, count: int, seed: int) -> np.ndarray:
    """Indices of `count` samples (all, where there are fewer), ascending, (count,) int64; the same for the same seed.

    Args:
        inputs: (n, *shape) by name.
        targets: (n,) integer labels; None draws evenly over nothing.
        count: how many to choose.
        seed: of the draw.

    Raises:
        DataError: no samples, unequal counts, or NaN and Inf among them.
    """
    total = count_samples(inputs, targets)
    if count >= total:
        return np.arange(total)
    chosen: dict[int, None] = {}
    for i in _extremes(inputs):
        if len(chosen) >= max(1, int(count * _EXTREME_SHARE)):
            break
        chosen.setdefault(i)
    for i in evenly(targets, total, np.random.default_rng(seed)):
        if len(chosen) >= count:
            break
        chosen.setdefault(i)
    return np.sort(np.fromiter(chosen, dtype=np.int64, count=len(chosen)))


def image_limits(spec: TensorSpec) -> np.ndarray:
    """Made-up images at the ends of the legal range, (8, *spec.shape) of the spec's dtype, dynamic axes as 1.

    All least, all greatest, checkerboards of 1 and of 4 pixels, a gradient along each axis and each backwards.

    Raises:
        DataError: a layout without H and W.
    """
    if not {"H", "W"} <= set(spec.layout):
        raise DataError(f"`{spec.name}`: layout {spec.layout!r} names no H and W, so that no picture can be drawn")
    shape = tuple(size or 1 for size in spec.shape)
    grid = np.indices(shape)
    row, column = grid[spec.layout.index("H")], grid[spec.layout.index("W")]
    down = row / max(int(row.max()), 1)
    right = column / max(int(column.max()), 1)
    unit = [
        np.zeros(shape), np.ones(shape), (row + column) % 2, (row // 4 + column // 4) % 2,
        down, right, 1 - down, 1 - right,
    ]  # fmt: skip
    low, high = spec.limits or IMAGE_RANGE
    return (low + (high - low) * np.stack(unit)).astype(spec.dtype)


def synthesise(specs: tuple[TensorSpec, ...], count: int, seed: int) -> Arrays:
    """Inputs for a model without data, (count, *shape) by name, dynamic axes as 1.

    Images: smooth blobs and noise within their limits, else 0..255. Other floats: uniform within their limits, else
    N(0, 1). Integers: uniform within their limits, both ends included, else 0 and 1, which every table of an embedding
    has. Booleans: even.

    Raises:
        DataError: a dtype with no plausible values.
    """
    rng = np.random.default_rng(seed)
    return {spec.name: _made_up(spec, count, rng) for spec in specs}


def in_stretches(specs: tuple[TensorSpec, ...], count: int, seed: int) -> Arrays:
    """As `synthesise`, but floats come in stretches of samples that share a pattern, as sounds and films do.

    A model that waits for something to last (a word, a face) answers noise with the same value for ever. A pattern is
    a smooth curve along the last axis at a level of its own; noise is mixed in. Without limits it lies within -2..2.
    """
    rng = np.random.default_rng(seed)
    made = synthesise(specs, count, seed)
    for spec in specs:
        if np.dtype(spec.dtype).kind == "f":
            low, high = spec.limits or (IMAGE_RANGE if spec.meaning == "image" else (-2.0, 2.0))
            unit = _stretches(made[spec.name].shape, rng)
            made[spec.name] = (low + (high - low) * unit).astype(spec.dtype)
    return made


def _stretches(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Patterns within 0..1 of `shape`, (n, ...), each lasting for 4 to 16 samples."""
    if len(shape) == 1:
        return _stretches((*shape, 1), rng)[:, 0]
    values, last = rng.random(shape), shape[-1]
    raised = rng.random() < 0.5  # whole sets stand on 0: silence and darkness lie at the end of the range
    start = 0
    while start < len(values):
        end = start + int(rng.integers(4, 17))
        width = int(rng.integers(2, 13))
        window = np.hanning(2 * width + 1)
        curve = np.convolve(rng.standard_normal(last + 2 * width), window / window.sum(), mode="valid")
        curve = (curve - curve.min()) / max(float(np.ptp(curve)), 1e-9) if last > 1 else np.ones(1)
        floor = raised * rng.random()
        curve = floor + (1 - floor) * rng.random() * curve
        noise = 0.3 * rng.random()
        values[start:end] = noise * values[start:end] + (1 - noise) * curve
        start = end
    return values


def is_picture(spec: TensorSpec) -> bool:
    """Whether an input is an image whose height and width are known."""
    return spec.meaning == "image" and {"H", "W"} <= set(spec.layout)


def _made_up(spec: TensorSpec, count: int, rng: np.random.Generator) -> np.ndarray:
    legal, shape = spec.limits, (count, *(size or 1 for size in spec.shape))
    kind = np.dtype(spec.dtype).kind
    if kind == "b":
        return np.full(shape, legal[0]).astype(bool) if legal and legal[0] == legal[1] else rng.random(shape) < 0.5
    if kind in "iu":
        low, high = legal or (0, 1)
        return rng.integers(int(low), int(high) + 1, shape).astype(spec.dtype)
    if kind != "f":
        raise DataError(f"`{spec.name}`: no plausible values are known for {spec.dtype}; give data")
    if spec.meaning == "image":
        low, high = legal or IMAGE_RANGE
        noise = rng.random(shape)
        level = rng.random((count,) + (1,) * len(spec.shape))
        amount = rng.random((count,) + (1,) * len(spec.shape))
        return (low + (high - low) * (amount * noise + (1 - amount) * level)).astype(spec.dtype)
    if legal is not None:
        return rng.uniform(*legal, shape).astype(spec.dtype)
    return rng.standard_normal(shape).astype(spec.dtype)


def count_samples(inputs: Arrays, targets: np.ndarray | None) -> int:
    """How many there are; DataError where there are none, unequal numbers, or NaN and Inf among them."""
    counts = {len(values) for values in inputs.values()} | ({len(targets)} if targets is not None else set())
    if len(counts) != 1 or counts == {0}:
        raise DataError(f"golden inputs need the same number of samples everywhere and at least one, got {counts}")
    for name, values in inputs.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DataError(f"input `{name}` holds NaN or Inf")
    return counts.pop()


def _extremes(inputs: Arrays) -> Iterator[int]:
    """Samples at both ends of every measure of every input, the outermost first."""
    orders = []
    for values in inputs.values():
        rows = values.reshape(len(values), -1).astype(np.float32)
        orders += [np.argsort(measure(rows), kind="stable") for measure in _MEASURES]
    for rank in range(len(orders[0])):
        for order in orders:
            yield int(order[rank])
            yield int(order[-1 - rank])


def evenly(targets: np.ndarray | None, total: int, rng: np.random.Generator) -> Iterator[int]:
    """All samples in random order, the classes taking turns."""
    order = rng.permutation(total)
    if targets is None:
        yield from map(int, order)
        return
    piles = [order[targets[order] == label] for label in np.unique(targets)]
    for turn in range(max(map(len, piles))):
        yield from (int(pile[turn]) for pile in piles if turn < len(pile))
