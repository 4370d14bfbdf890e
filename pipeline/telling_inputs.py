"""Inputs on which a finished file's outputs tell something: drawn, chosen by what comes out, bred from the best."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from converters.contract import Arrays, TensorSpec
from pipeline.golden_inputs import in_stretches
from pipeline.golden_patterns import bred, legal_ranges, legalised, made_up

NOISE = 0.02
"""Of an input's range, in sequences."""
ELITE = 8
"""Sequences that the next ones are bred from."""


def apart(outputs: Arrays, count: int) -> np.ndarray:
    """The rows of `count` samples whose outputs lie furthest apart, ascending, (count,) int64.

    By the least, the greatest, the mean and the spread of each output (n, *shape); each next one is that which is
    furthest from those chosen. A detector that fires on three samples of a hundred keeps them.
    """
    total = len(next(iter(outputs.values())))
    if count >= total:
        return np.arange(total)
    columns = []
    for values in outputs.values():
        rows = values.reshape(total, -1).astype(np.float64)
        rows = np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)
        columns += [rows.min(axis=1), rows.max(axis=1), rows.mean(axis=1), rows.std(axis=1)]
    seen = np.stack([(column - column.min()) / (np.ptp(column) or 1.0) for column in columns], axis=1)
    chosen = [int(seen.sum(axis=1).argmax())]
    distance = np.full(total, np.inf)
    for _ in range(count - 1):
        distance = np.minimum(distance, np.square(seen - seen[chosen[-1]]).sum(axis=1))
        distance[chosen[-1]] = -1.0
        chosen.append(int(distance.argmax()))
    return np.sort(np.array(chosen, dtype=np.int64))


def fresh_samples(specs: tuple[TensorSpec, ...], best: Arrays, turn: int) -> Arrays:
    """As many samples as `best` has, (n, *shape) by name: stretches, patterns and children of the best take turns."""
    count = len(next(iter(best.values())))
    if turn % 3 == 0:
        return in_stretches(specs, count, turn)
    legal = legal_ranges(specs, best)
    make = made_up if turn % 3 == 1 else bred
    return make(specs, legal, best, count, turn)


def fresh_sequences(specs: tuple[TensorSpec, ...], best: list[Arrays], turn: int) -> Iterator[Arrays]:
    """Sequences, (n, *shape) by name, for a model with state: what lasts matters, so patterns run along them.

    `best` are the most telling so far, the best first; some of what comes is bred from them.
    """
    count = len(next(iter(best[0].values())))
    yield in_stretches(specs, count, turn)
    long = tuple(
        dataclasses.replace(spec, shape=(count, *best[0][spec.name].shape[1:]), layout="", meaning="") for spec in specs
    )
    together = {spec.name: np.stack([sequence[spec.name] for sequence in best]) for spec in specs}
    legal = legal_ranges(long, together)
    for make in (made_up, bred):
        made = make(long, legal, together, 2, turn)
        shaken = {spec.name: _shaken(made[spec.name], spec, legal[spec.name], turn) for spec in long}
        yield from ({name: values[i] for name, values in shaken.items()} for i in range(2))


def _shaken(values: np.ndarray, spec: TensorSpec, legal: tuple[float, float], seed: int) -> np.ndarray:
    """Floats moved by a little noise: a pattern that stands still is the same sample many times."""
    if np.dtype(spec.dtype).kind != "f":
        return values
    noise = np.random.default_rng(seed).standard_normal(values.shape)
    return legalised(values + NOISE * (legal[1] - legal[0]) * noise, spec, legal)
