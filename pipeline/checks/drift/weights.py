"""Whether two constants hold the same numbers, up to the precision that they claim; and if not, what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from converters.graph import Quantization, Tensor
from converters.grid import grid_bits
from converters.masks import FAR
from pipeline.checks.drift.values import distance

FLOAT_TOLERANCE = 4e-6
"""Of each value, and a quarter of it of the largest: what folding a batch norm in another order leaves (1e-7 to 1e-6);
the finest rounding sought, to 16-bit integers, is 1.5e-5 of the largest."""
_SQUARES = 4 * 2.0**-23
"""Of the square of the largest value: what float32 leaves open when squares are expanded."""
_REQUANTIZED_SHARE = 0.02
"""Of integers that may be one step off where the scales show that the file was quantized anew."""
_NOTHING = 2.0**-8
"""Of the largest weight: channels below are zeros to quantizers whose scales have a least value."""
_ENOUGH = 8
"""Fewer values than this lie on a grid by chance."""
_AXES = {4: ("output channel", "height", "width", "input channel"), 2: ("output channel", "input channel")}
_PREPROCESSING = (
    (255 / 256, "256 instead of 255"), (256 / 255, "255 instead of 256"), (255.0, "nothing instead of 255"),
    (1 / 255, "255 once more"), (127.5, "nothing instead of 127.5"), (1 / 127.5, "127.5 once more"),
    (2.0, "half of what it should be"), (0.5, "twice what it should be"),
    (127.5 / 128, "128 instead of 127.5"), (128 / 127.5, "127.5 instead of 128"),
)  # fmt: skip


def differs(a: Tensor, b: Tensor) -> tuple[str, str] | None:
    """(measure, cause) where constant `b` is not constant `a`; None where it is, up to layout of equal bytes."""
    assert a.data is not None
    assert b.data is not None
    if b.data.dtype.kind == "f" and not np.isfinite(b.data).all():
        broken = ~np.isfinite(b.data)
        if a.data.shape != b.data.shape or not np.array_equal(broken, ~np.isfinite(a.data.astype(np.float64))):
            return f"{int(broken.sum())} of {b.data.size} values are not finite", "a constant holds NaN or Inf"
    if a.data.shape != b.data.shape and a.data.size != b.data.size:
        return f"{a.data.shape} became {b.data.shape}", "the constant has another size"
    if a.data.dtype.kind not in "fiub" or b.data.dtype.kind not in "fiub":
        return None if a.data.tobytes() == b.data.tobytes() else ("bytes differ", "the constant differs")
    if a.data.shape == b.data.shape and _stored_alike(a, b):
        return _regridded(a, b)
    if a.data.shape != b.data.shape and 1 in (*a.data.shape, *b.data.shape) and _squeezed(a) == _squeezed(b):
        b = Tensor(b.index, b.name, a.shape, b.dtype, b.data.reshape(a.data.shape), _reshaped(b, a.data.shape))
    return _unequal(a, b)


def _stored_alike(a: Tensor, b: Tensor) -> bool:
    """Whether both hold the same stored values of one type, whatever they stand for."""
    assert a.data is not None
    assert b.data is not None
    return a.data.dtype == b.data.dtype and a.data.tobytes() == b.data.tobytes()


def _regridded(a: Tensor, b: Tensor) -> tuple[str, str] | None:
    """Of equal stored values: whether their scales and zero points are equal too."""
    one, two = a.quantization, b.quantization
    if one is None or one.same(two) or (two is None and a.dtype.startswith("float")):
        return None
    if two is not None and not a.real().any() and not b.real().any():
        return None  # zeros on any grid
    if two is not None and a.real().size < _ENOUGH and one.scales.shape == two.scales.shape:
        gap = np.abs(a.real() - b.real())
        if not (gap > 0.501 * (_step(a) + _step(b))).any() and not np.array_equal(one.zero_points, two.zero_points):
            return None  # a number at the end of its range, whose other end another quantizer puts elsewhere
    if two is None:
        return "no scale", "the scales of the weights are lost"
    if len(one.scales) != len(two.scales):
        return f"{len(one.scales)} scales became {len(two.scales)}", "scales per channel and per tensor are exchanged"
    if len(one.scales) > 1 and one.axis != two.axis:
        return f"axis {one.axis} became {two.axis}", "the scales belong to another axis"
    if not np.array_equal(one.zero_points, two.zero_points):
        return f"zero point off by {np.abs(two.zero_points - one.zero_points).max()}", "the weights' zero point differs"
    ratio = two.scales / np.where(one.scales == 0, 1, one.scales)
    changed = int((np.abs(ratio - 1) > 1e-6).sum())
    where = f"{changed} of {len(ratio)} scales differ, by up to x{ratio[np.abs(ratio - 1).argmax()]:.5g}"
    if len(ratio) > 1 and np.allclose(np.sort(one.scales), np.sort(two.scales), rtol=1e-6):
        shifted = any(np.allclose(np.roll(one.scales, s), two.scales, rtol=1e-6) for s in (1, -1))
        return where, "scales are shifted by one channel" if shifted else "scales stand at other channels"
    return where, "the weights' scale differs"


def _unequal(a: Tensor, b: Tensor) -> tuple[str, str] | None:
    assert a.data is not None
    assert b.data is not None
    want, have = a.real(), b.real()
    if want.shape == have.shape:
        have = np.where(np.isinf(want) & (np.abs(have) >= FAR) & (np.sign(want) == np.sign(have)), want, have)
        gap = distance(want, have)
        if not _beyond(a, b, want, gap).any():
            return None
        largest = float(np.abs(want).max(initial=0.0, where=np.isfinite(want))) or 1.0
        count = int((gap > 0).sum())
        measure = f"{count} of {gap.size} values differ, by up to {float(gap.max()) / largest:.3g} of the largest"
    else:
        measure = f"{want.shape} became {have.shape}"
    if a.dtype == b.dtype and a.dtype.startswith("int"):  # as stored: channels may have scales of their own
        want, have = a.data.astype(np.float64), b.data.astype(np.float64)
    return measure, next(causes(want, have), "values differ")


def _ulp(values: np.ndarray) -> np.ndarray:
    """The distance of two neighbours among float16 numbers, at each value."""
    return np.spacing(np.abs(values).astype(np.float16)).astype(np.float64)


def _beyond(a: Tensor, b: Tensor, want: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Where the gap is more than the precision of the two tensors explains."""
    with np.errstate(invalid="ignore"):
        if a.data is not None and b.data is not None and a.dtype == b.dtype and a.dtype.startswith(("int", "uint")):
            if a.quantization is None or b.quantization is None:
                return gap > 0
            if np.array_equal(a.quantization.scales, b.quantization.scales):
                return gap > 0
            step = _step(a) + _step(b)
            if gap.size < _ENOUGH or len(a.quantization.scales) != len(b.quantization.scales):
                return gap > 0.501 * step  # the same numbers on two grids: each may be half a step off
            off = gap > 0.25 * step
            return gap > 0.75 * step if off.mean() <= _REQUANTIZED_SHARE or a.dtype == "int32" else off
        largest = np.abs(want).max(initial=0.0, where=np.isfinite(want))  # an infinity excuses no other value
        allowed = FLOAT_TOLERANCE * np.abs(want) + FLOAT_TOLERANCE / 4 * largest
        if a.dtype == b.dtype == "float16":  # both rounded the same numbers: those between two of its values may differ
            return gap > (1.5 if (gap > allowed).mean() <= _REQUANTIZED_SHARE else 0) * _ulp(want) + allowed
        for tensor in (a, b):
            if tensor.quantization is not None:
                allowed = allowed + np.where(_lost(want, tensor), 0.0, 0.5005 * _step(tensor))
            elif tensor.palettized:
                allowed = allowed + _from_table(want, tensor)
            elif tensor.dtype == "float16":
                allowed = allowed + 2.0**-11 * np.abs(want) + 2.0**-24
        return ~(gap <= allowed) | np.isinf(gap)


def _lost(want: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Where a channel with a scale of its own is stored as zeros and was not nothing, spread as `want`.

    Its scale says nothing then, whatever it is: a quantizer makes it of the channel's largest value. Those of a bias
    come from the kernel: a small one is zero.
    """
    found = tensor.quantization
    if want.ndim < 2 or found is None or tensor.data is None:
        return np.zeros(want.shape, bool)
    if len(found.scales) < 2 or tensor.data.shape != want.shape:
        return np.zeros(want.shape, bool)
    others = tuple(axis for axis in range(want.ndim) if axis != found.axis % want.ndim)
    peaks = np.abs(want).max(others, keepdims=True)
    empty = (tensor.data == found.spread(want.ndim)[1]).all(others, keepdims=True)
    return np.broadcast_to(empty & (peaks > _NOTHING * peaks.max(initial=0.0)), want.shape)


def _from_table(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """How far each value may be from the one that stands for it in a palettized tensor: as far as the nearest.

    k-means tells distances by expanded squares in float32: two whose squares differ by a few roundings are the same.
    """
    table = np.unique(tensor.real())
    above = np.clip(np.searchsorted(table, values), 0, len(table) - 1)
    nearest = np.minimum(np.abs(values - table[above]), np.abs(values - table[np.maximum(above - 1, 0)]))
    largest = float(np.abs(values).max(initial=0.0))
    return np.sqrt(np.square(1.0005 * nearest) + _SQUARES * largest**2)


def _step(tensor: Tensor) -> np.ndarray:
    assert tensor.quantization is not None
    assert tensor.data is not None
    return tensor.quantization.spread(tensor.data.ndim)[0]


def causes(want: np.ndarray, have: np.ndarray) -> Iterator[str]:
    """Sentences that explain `have`, most specific first; none where something else than what both mask has no end."""
    if want.shape == have.shape:
        hidden = np.isinf(want) & (want == have)
        want, have = np.where(hidden, 0, want), np.where(hidden, 0, have)
    if not (np.isfinite(want).all() and np.isfinite(have).all()):
        return
    if want.shape == have.shape and want.size >= _ENOUGH:
        yield from _rounded(want, have)
    yield from _moved(want, have)
    if want.shape != have.shape:
        return
    if not have.any():
        yield "all values are zero: lost"
    if np.allclose(have, -want):
        yield "the sign is exchanged"
    if want.any() and (ratio := _ratio(want, have)) is not None:
        yield f"all values are multiplied by {ratio:.6g}{_preprocessing(ratio)}"
    if want.size > 2 and np.ptp(have - want) <= 1e-5 * (np.abs(have - want).max()):
        yield f"all values are off by {float((have - want).mean()):.6g}"
    if want.ndim and want.size > 4:
        yield from _some(want, have)


def _some(want: np.ndarray, have: np.ndarray) -> Iterator[str]:
    changed = ~np.isclose(have, want, rtol=FLOAT_TOLERANCE, atol=0)
    if changed.any() and not have[changed].any():
        yield f"{int(changed.sum())} values are set to zero"
    if changed.sum() <= max(4, 0.01 * want.size):
        places = [tuple(int(i) for i in place) for place in np.argwhere(changed)[:3]]
        yield f"single values differ, at {', '.join(map(str, places))}"
    for axis in range(want.ndim):
        others = tuple(i for i in range(want.ndim) if i != axis)
        hit = changed.any(axis=others)
        if want.ndim > 1 and 0 < hit.sum() <= max(1, len(hit) // 4) and hit.sum() < len(hit):
            yield f"only {_axis(want, axis)} {', '.join(map(str, np.flatnonzero(hit)[:4]))} differs"


def _rounded(want: np.ndarray, have: np.ndarray) -> Iterator[str]:
    single = want.astype(np.float32)
    if np.array_equal(have.astype(np.float32), single.astype(np.float16).astype(np.float32)):
        yield "the weights are rounded to float16, under float32's name"
        return
    halved = have.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF)
    if not halved.any() and (single.view(np.uint32) & np.uint32(0xFFFF)).any() and np.allclose(have, want, rtol=8e-3):
        yield "the weights are rounded to bfloat16, under float32's name"
        return
    bits = grid_bits(have.astype(np.float32))
    if bits < grid_bits(single) and np.abs(have - want).max() <= 0.02 * np.abs(want).max():
        yield f"the weights lie on a grid of {bits} bits, under float32's name"


def _moved(want: np.ndarray, have: np.ndarray) -> Iterator[str]:
    """The same numbers at other places."""
    if not np.allclose(np.sort(want, axis=None), np.sort(have, axis=None), rtol=1e-5, atol=0):
        return
    for axis in range(want.ndim):
        if want.shape != have.shape or want.shape[axis] < 2:
            continue
        if np.array_equal(np.flip(want, axis), have):
            yield f"{_axis(want, axis)}s are reversed" + (" (RGB and BGR?)" if want.shape[axis] == 3 else "")
        for shift in (1, -1):
            if np.array_equal(np.roll(want, shift, axis), have):
                what = "values" if want.ndim == 1 else f"{_axis(want, axis)}s"
                yield f"{what} are shifted by one{' channel' if want.ndim == 1 else ''}"
    for order in permutations(range(want.ndim)) if 1 < want.ndim < 5 else ():
        if list(order) == sorted(order):
            continue
        turned = want.transpose(order)
        names = " and ".join(_axis(want, axis) for axis, place in enumerate(order) if axis != place)
        if turned.shape == have.shape and np.array_equal(turned, have):
            yield f"{names} are exchanged (axes {order})"
        elif np.array_equal(turned.reshape(-1), have.reshape(-1)):
            yield f"{names} are exchanged in memory, with the shape kept (axes {order})"
    for axis in range(want.ndim):
        if want.shape == have.shape and want.shape[axis] > 1:
            rows = [np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1) for values in (want, have)]
            first, second = (sorted(map(bytes, map(np.ascontiguousarray, side))) for side in rows)
            if first == second:
                yield f"{_axis(want, axis)}s are in another order"
    yield "the same values stand at other places"


def _ratio(want: np.ndarray, have: np.ndarray) -> float | None:
    at = np.abs(want).argmax()
    ratio = float(have.reshape(-1)[at] / want.reshape(-1)[at])
    return ratio if ratio and np.allclose(have, want * ratio, rtol=1e-5, atol=1e-12) else None


def _preprocessing(ratio: float) -> str:
    known = [text for value, text in _PREPROCESSING if abs(ratio / value - 1) < 1e-5]
    return f": a division by {known[0]}" if known else ""


def _axis(values: np.ndarray, axis: int) -> str:
    names = _AXES.get(values.ndim)
    return names[axis] if names else ("channel" if values.ndim == 1 else f"axis {axis}")


def _reshaped(tensor: Tensor, shape: tuple[int, ...]) -> Quantization | None:
    """The grid of a tensor in a shape with axes of one element at other places: its scales belong to the same axis."""
    grid = tensor.quantization
    if grid is None or len(grid.scales) == 1 or tensor.data is None or tensor.data.shape[grid.axis] == 1:
        return grid
    place = [axis for axis, size in enumerate(tensor.data.shape) if size != 1].index(grid.axis)
    return replace(grid, axis=[axis for axis, size in enumerate(shape) if size != 1][place])


def _squeezed(tensor: Tensor) -> tuple[int, ...]:
    assert tensor.data is not None
    return tuple(size for size in tensor.data.shape if size != 1)
