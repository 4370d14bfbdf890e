"""Pooling: any padding, rounding and dilation by plain windows, or by slices put over one another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes

_MOST_SLICES = 64


@dataclass(frozen=True)
class Window:
    """A sliding window over the spatial axes: sizes, steps, dilations, and borders before and after.

    `outputs` are its places; `beyond` what the last one needs behind the borders, where the number is rounded up.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    beyond: tuple[int, ...]
    outputs: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def plain(self) -> bool:
        """Whether it needs no borders."""
        return not any((*self.before, *self.after, *self.beyond))

    @property
    def same(self) -> bool:
        """Whether its borders are what TensorFlow calls SAME."""
        for k, s, d, b, a, e, n in zip(
            *(self.kernel, self.strides, self.dilations, self.before, self.after, self.beyond, self.sizes), strict=True
        ):
            whole = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            if (b, a + e) != (whole // 2, whole - whole // 2):
                return False
        return True


def window_of(build: Build, node: onnx.NodeProto, kernel: tuple[int, ...]) -> Window:
    """The window of a pooling or convolution node over its first input (N, C, ...).

    Raises:
        LeaveError: the spatial sizes are open.
    """
    given = attributes(node)
    spatial = len(kernel)
    sizes = tuple(build.sizes(node.input[0])[-spatial:])
    if None in sizes:
        raise LeaveError(f"the sizes of {node.input[0]!r} are open: {sizes}")
    fixed = tuple(int(size) for size in sizes if size is not None)
    strides = tuple(given.get("strides") or [1] * spatial)
    dilations = tuple(given.get("dilations") or [1] * spatial)
    auto, up = given.get("auto_pad", "NOTSET"), bool(given.get("ceil_mode", 0))
    pads = list(given.get("pads") or [0] * 2 * spatial)
    rows = []
    for axis, (k, s, d, n) in enumerate(zip(kernel, strides, dilations, fixed, strict=True)):
        reach = (k - 1) * d + 1
        before, after = pads[axis], pads[axis + spatial]
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            whole = max((-(-n // s) - 1) * s + reach - n, 0)
            before = whole // 2 if auto == "SAME_UPPER" else whole - whole // 2
            after = whole - before
        elif auto == "VALID":
            before = after = 0
        room = n + before + after - reach
        count = (-(-room // s) if up else room // s) + 1
        if up and (count - 1) * s >= n + before:
            count -= 1  # it would begin behind the input
        rows.append((before, after, max(0, (count - 1) * s + reach - n - before - after), count))
    before, after, beyond, outputs = (tuple(row[i] for row in rows) for i in range(4))
    return Window(tuple(kernel), strides, dilations, before, after, beyond, outputs, fixed)


def pool(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """A pooling of 2-D windows without borders, or slices; None where it is one, or TensorFlow's SAME."""
    given = attributes(node)
    window = window_of(build, node, tuple(given["kernel_shape"]))
    indexed = len(node.output) > 1 and bool(node.output[1])
    flat = len(window.kernel) == 2 and set(window.dilations) == {1}
    average = node.op_type == "AveragePool"
    whole_counts = not average or window.plain or not given.get("count_include_pad", 0)
    explicit = given.get("auto_pad", "NOTSET") == "NOTSET" and not given.get("ceil_mode", 0)
    if flat and not indexed and explicit and whole_counts and (window.plain or window.same):
        return None
    if indexed:
        return _with_places(build, node, window)
    x = _bordered(build, node.input[0], window, 0.0 if average else _least(build, node.input[0]))
    if len(window.kernel) <= 2 and set(window.dilations) == {1}:
        made = _flat_pool(build, node.op_type, x, window)
    else:
        made = _by_slices(build, x, window, "Add" if average else "Max")
        if average:
            made = build.op("Mul", made, build.like(1.0 / np.prod(window.kernel), node.input[0]))
    if average:
        counts = _counts(window, bool(given.get("count_include_pad", 0)))
        share = np.prod(window.kernel) / np.maximum(counts, 1)
        if not (share == 1).all():
            made = build.op("Mul", made, build.like(share.reshape((1, 1, *window.outputs)), node.input[0]))
    return [made]


def power_pool(build: Build, node: onnx.NodeProto) -> list[str]:
    """LpPool: the root of the mean of powers, the number of them taken out."""
    given = attributes(node)
    window, p = window_of(build, node, tuple(given["kernel_shape"])), given.get("p", 2)
    x = build.op("Abs", node.input[0])
    x = build.op("Mul", x, x) if p == 2 else build.op("Pow", x, build.like(p, node.input[0]))
    x0 = node.input[0]
    x = _bordered(build, x, window, 0.0, like=x0)
    summed = _by_slices(build, x, window, "Add")
    return [build.op("Sqrt", summed) if p == 2 else build.op("Pow", summed, build.like(1.0 / p, x0))]


def global_pool(build: Build, node: onnx.NodeProto) -> list[str]:
    """A reduction over the spatial axes."""
    x = node.input[0]
    axes = list(range(2, build.rank(x)))
    if node.op_type == "GlobalLpPool":
        p = attributes(node).get("p", 2)
        raised = build.op("Pow", build.op("Abs", x), build.like(p, x))
        return [build.op("Pow", build.reduce("ReduceSum", raised, axes), build.like(1.0 / p, x))]
    return [build.reduce("ReduceMax" if node.op_type == "GlobalMaxPool" else "ReduceMean", x, axes)]


def local_response(build: Build, node: onnx.NodeProto) -> list[str]:
    """LRN: a sum of squares over neighbouring channels, by slices."""
    given, x = attributes(node), node.input[0]
    size, rank, channels = given["size"], build.rank(x), build.shape(x)[1]
    below, above = (size - 1) // 2, size // 2
    zeros = [0] * (rank - 2)
    square = build.pad(build.op("Mul", x, x), [0, below, *zeros], [0, above, *zeros], build.like(0.0, x))
    summed = build.slice(square, [1], [0], [channels])
    for shift in range(1, size):
        summed = build.op("Add", summed, build.slice(square, [1], [shift], [shift + channels]))
    scaled = build.op("Mul", summed, build.like(given.get("alpha", 1e-4) / size, x))
    root = build.op(
        "Pow", build.op("Add", scaled, build.like(given.get("bias", 1.0), x)), build.like(given.get("beta", 0.75), x)
    )
    return [build.op("Div", x, root)]


def _least(build: Build, name: str) -> float:
    dtype = build.dtype(name)
    return float(np.finfo(dtype).min) if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _bordered(build: Build, x: str, window: Window, fill: float, like: str = "") -> str:
    before = [0, 0, *window.before]
    after = [0, 0, *(a + b for a, b in zip(window.after, window.beyond, strict=True))]
    return build.pad(x, before, after, build.like(fill, like or x))


def _flat_pool(build: Build, kind: str, x: str, window: Window) -> str:
    """A pooling without borders; a 1-D one as 2-D."""
    if len(window.kernel) == 2:
        return build.op(kind, x, kernel_shape=list(window.kernel), strides=list(window.strides))
    wide = build.unsqueeze(x, [2])
    made = build.op(kind, wide, kernel_shape=[1, *window.kernel], strides=[1, *window.strides])
    return build.squeeze(made, [2])


def _slices(build: Build, x: str, window: Window) -> list[str]:
    if np.prod(window.kernel) > _MOST_SLICES:
        raise LeaveError(f"a window of {window.kernel} is too large to be taken apart")
    axes = list(range(2, 2 + len(window.kernel)))
    made = []
    for offset in product(*map(range, window.kernel)):
        starts = [o * d for o, d in zip(offset, window.dilations, strict=True)]
        ends = [start + (n - 1) * s + 1 for start, n, s in zip(starts, window.outputs, window.strides, strict=True)]
        made.append(build.slice(x, axes, starts, ends, list(window.strides)))
    return made


def _by_slices(build: Build, x: str, window: Window, kind: str) -> str:
    """One axis after the other, for a greatest value and a sum do not care."""
    for axis in range(len(window.kernel)):
        k, s, d, n = (row[axis] for row in (window.kernel, window.strides, window.dilations, window.outputs))
        if k > _MOST_SLICES:
            raise LeaveError(f"a window of {window.kernel} is too large to be taken apart")
        parts = [build.slice(x, [axis + 2], [o * d], [o * d + (n - 1) * s + 1], [s]) for o in range(k)]
        x = parts[0]
        for each in parts[1:]:
            x = build.op(kind, x, each)
    return x


def _with_places(build: Build, node: onnx.NodeProto, window: Window) -> list[str]:
    """MaxPool and where in its input each value was found; of equal ones the first."""
    x = node.input[0]
    shape = build.shape(x)
    numbers = np.arange(int(np.prod(shape[2:])))
    by_columns = attributes(node).get("storage_order", 0)
    plane = numbers.reshape(shape[2:], order="F") if by_columns else numbers.reshape(shape[2:])
    start = np.arange(shape[0] * shape[1]).reshape(*shape[:2], *[1] * len(window.kernel)) * numbers.size
    places = np.broadcast_to(plane, shape) + start
    if places.size >= 2**24:
        raise LeaveError("its places are more than float32 can count")
    values = _slices(build, _bordered(build, x, window, _least(build, x)), window)
    borders = [(0, 0), (0, 0), *zip(window.before, np.add(window.after, window.beyond), strict=True)]
    padded = np.pad(places.astype(np.float32), borders)
    best, found = values[0], ""
    for offset, each in zip(product(*map(range, window.kernel)), values, strict=True):
        cut = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, window.dilations, window.outputs, window.strides, strict=True)
        )
        here = build.constant(padded[(slice(None), slice(None), *cut)])
        if not found:
            found = here
            continue
        better = build.op("Greater", each, best)
        best, found = build.op("Where", better, each, best), build.op("Where", better, here, found)
    return [best if len(values) > 1 else build.op("Identity", best), build.cast(found, onnx.TensorProto.INT64)]


def _counts(window: Window, with_borders: bool) -> np.ndarray:
    """How many elements each window counts: those of the input, with its borders where they count."""
    made = np.ones([1] * len(window.kernel))
    for axis in range(len(window.kernel)):
        k, s, d = window.kernel[axis], window.strides[axis], window.dilations[axis]
        b, a, n = window.before[axis], window.after[axis], window.sizes[axis]
        places = np.arange(window.outputs[axis])[:, None] * s + np.arange(k)[None] * d - b
        low, high = (-b, n + a) if with_borders else (0, n)
        counted = ((places >= low) & (places < high)).sum(axis=1)
        made = made * counted.reshape([-1 if other == axis else 1 for other in range(len(window.kernel))])
    return made
