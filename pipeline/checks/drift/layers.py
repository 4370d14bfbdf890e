"""Two graphs side by side, layer by layer: which operator of one stands for which of the other, and how far apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations

import numpy as np

from converters.graph import Graph, Op
from pipeline.checks.drift.suspects import Layer, Side
from pipeline.checks.drift.values import ROUGH_DB, distance, real
from pipeline.checks.metrics.snr_db import decibel

_MOST_AXES = 5
"""Beside the samples; more are compared as they lie."""

Values = Mapping[int, np.ndarray]
"""Of tensors by index, (n, *shape) as the file stores them; the two sides may hold unequal numbers of samples."""


def layers(a: Graph, b: Graph, known: Mapping[int, int], seen: tuple[Values, Values]) -> tuple[Layer, ...]:
    """A row for each operator of `b`, and for each of `a` without a partner, in the order of computation.

    Args:
        a: the reference.
        b: the model that is judged.
        known: for each tensor of b that has one, its partner in a.
        seen: values inside a and inside b on the same inputs; a row without both has no numbers.
    """
    known = {**known, **_moved(a, b, known, seen)}
    made_a = {index: op for op in a.ops for index in op.outputs}
    lonely = [op for op in a.ops if not set(op.outputs) & set(known.values()) and _computes(a, op)]
    rows: list[Layer] = []
    for op in b.ops:
        if not _computes(b, op):
            continue
        mine = next((index for index in op.outputs if index in known), None)
        if mine is None:
            rows.append(Layer(None, _side(b, op)))
            continue
        other = known[mine]
        partner = made_a.get(other)
        while partner is not None and lonely and lonely[0].index < partner.index:
            rows.append(Layer(_side(a, lonely.pop(0)), None))
        ours = Side(None, "INPUT", (a.tensors[other].name,)) if partner is None else _side(a, partner)
        rows.append(Layer(ours, _side(b, op), *_apart(a, b, other, mine, seen)))
    return (*rows, *(Layer(_side(a, op), None) for op in lonely))


def _moved(a: Graph, b: Graph, known: Mapping[int, int], seen: tuple[Values, Values]) -> dict[int, int]:
    """Partners of what b only moves: a tensor without one whose reader gives out the same values, in another order."""
    found: dict[int, int] = {}
    for op in reversed(b.ops):
        taken = [index for index in op.inputs if index >= 0 and not b.tensors[index].constant]
        given = next((index for index in op.outputs if index in known or index in found), None)
        if len(taken) != 1 or given is None or taken[0] in known or taken[0] in b.inputs:
            continue
        other = known.get(given, found.get(given, -1))
        snr, _ = _apart(a, b, other, taken[0], seen)
        if snr is not None and snr >= ROUGH_DB:
            found[taken[0]] = other
    return found


def _computes(graph: Graph, op: Op) -> bool:
    """Whether an operator works on anything but constants."""
    taken = [index for index in op.inputs if index >= 0]
    return not taken or any(not graph.tensors[index].constant for index in taken)


def _side(graph: Graph, op: Op) -> Side:
    return Side(op.index, op.type, tuple(graph.tensors[index].name for index in op.outputs if index in graph.tensors))


def _apart(a: Graph, b: Graph, other: int, mine: int, seen: tuple[Values, Values]) -> tuple[float | None, float | None]:
    """(signal to error in dB, root mean square error in steps of b's grid) of two partners; None where not known."""
    if other not in seen[0] or mine not in seen[1]:
        return None, None
    count = min(len(seen[0][other]), len(seen[1][mine]))
    want, got = real(seen[0][other][:count], a.tensors[other]), real(seen[1][mine][:count], b.tensors[mine])
    if want.size != got.size or not want.size:
        return None, None
    got = min(_orders(want, got), key=lambda turned: float(distance(want[:1], turned[:1]).mean()))
    fine = np.isfinite(want)
    if not fine.any() or not np.array_equal(fine, np.isfinite(got)):
        return None, None
    want, got = want[fine], got[fine]  # what a mask leaves out is left out of both
    noise, centred = np.square(want - got).mean(), np.square(want - want.mean()).mean()
    step = _step(b, mine)
    steps = float(np.sqrt(noise)) / step if step else None
    return float(decibel(centred or np.square(want).mean(), noise)), steps


def _step(graph: Graph, index: int) -> float:
    """The step of the grid that a tensor's values lie on, or are rounded to next; 0 where there is none."""
    tensor = graph.tensors[index]
    grid = tensor.quantization
    if grid is not None and len(grid.scales) == 1 and not tensor.dtype.startswith("float"):
        return float(grid.scales[0])
    for op in graph.ops:
        if op.type == "QuantizeLinear" and op.inputs[0] == index:
            scale = graph.tensors[op.inputs[1]].data
            return float(scale.reshape(-1)[0]) if scale is not None and scale.size == 1 else 0.0
    return 0.0


def _orders(want: np.ndarray, got: np.ndarray) -> Iterator[np.ndarray]:
    """`got` in every order of its axes that has the shape of `want`, or is flattened to it; reshaped where none has."""
    want_axes, got_axes = ([size for size in values.shape[1:] if size != 1] for values in (want, got))
    lean = got.reshape(len(got), *got_axes)
    same_axes = len(want_axes) < len(got_axes) or sorted(want_axes) == sorted(got_axes)
    if len(got_axes) > _MOST_AXES or not same_axes:
        yield got.reshape(want.shape)
        return
    for order in permutations(range(1, lean.ndim)):
        turned = lean.transpose(0, *order)
        if len(want_axes) < len(got_axes) or list(turned.shape[1:]) == want_axes:
            yield turned.reshape(want.shape)
