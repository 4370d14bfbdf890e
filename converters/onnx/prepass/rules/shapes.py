"""What moves data: padding, picking, scattering, and the shapes that are known before the model runs."""

from __future__ import annotations

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads


def shape_of(build: Build, node: onnx.NodeProto) -> list[str]:
    """The shape as a constant, where it is fixed."""
    given = attributes(node)
    sizes = build.shape(node.input[0])
    end = given.get("end")
    return [build.op("Identity", build.constant(sizes[given.get("start", 0) : end], np.int64))]


def size_of(build: Build, node: onnx.NodeProto) -> list[str]:
    """The number of elements as a constant, where it is fixed."""
    return [build.op("Identity", build.constant(int(np.prod(build.shape(node.input[0]))), np.int64))]


def flatten(build: Build, node: onnx.NodeProto) -> list[str]:
    """Two axes, by a reshape."""
    sizes = build.shape(node.input[0])
    axis = attributes(node).get("axis", 1)
    axis = axis + len(sizes) if axis < 0 else axis
    return [build.reshape(node.input[0], [int(np.prod(sizes[:axis])), int(np.prod(sizes[axis:]))])]


def reshaped(build: Build, node: onnx.NodeProto) -> list[str]:
    """Squeeze or Unsqueeze of a tensor of known size, by a reshape."""
    return [build.reshape(node.input[0], build.shape(node.output[0]))]


def pad(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Borders of a constant as non-negative amounts for all axes; the others picked from the tensor itself."""
    mode = attributes(node).get("mode", "constant")
    x, rank = node.input[0], build.rank(node.input[0])
    amounts = [int(v) for v in build.need(node.input[1], "amounts")]
    axes = build.value(reads(node, 3))
    chosen = [int(a) % rank for a in axes] if axes is not None else list(range(rank))
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(chosen):
        before[axis], after[axis] = amounts[place], amounts[place + len(chosen)]
    if mode == "constant":
        if axes is None and min(amounts, default=0) >= 0:
            return None
        return [_constant_pad(build, node, before, after)]
    sizes, made = build.shape(x), x
    for axis in range(rank):
        if before[axis] or after[axis]:
            made = build.gather(made, _picked(sizes[axis], before[axis], after[axis], mode), axis)
    return [made if made != x else build.op("Identity", x)]


def _constant_pad(build: Build, node: onnx.NodeProto, before: list[int], after: list[int]) -> str:
    x = node.input[0]
    cut = [axis for axis in range(len(before)) if before[axis] < 0 or after[axis] < 0]
    if cut:
        sizes = build.shape(x)
        starts = [max(0, -before[axis]) for axis in cut]
        ends = [sizes[axis] - max(0, -after[axis]) for axis in cut]
        x = build.slice(x, cut, starts, ends)
    fill = reads(node, 2) or build.like(0, node.input[0])
    made = build.pad(x, [max(0, v) for v in before], [max(0, v) for v in after], fill)
    return made if made != node.input[0] else build.op("Identity", made)


def _picked(size: int, before: int, after: int, mode: str) -> list[int]:
    places = np.arange(-before, size + after)
    if mode == "edge":
        return [int(p) for p in np.clip(places, 0, size - 1)]
    if mode == "wrap":
        return [int(p) for p in places % size]
    period = max(2 * (size - 1), 1)
    folded = np.abs(places) % period
    return [int(p) for p in np.where(folded >= size, period - folded, folded)]


def trilu(build: Build, node: onnx.NodeProto) -> list[str]:
    """A triangle kept by a constant mask."""
    sizes = build.shape(node.input[0])
    shift = int(build.need(reads(node, 1), "diagonal")) if reads(node, 1) else 0
    ones = np.ones(sizes[-2:], bool)
    mask = np.triu(ones, shift) if attributes(node).get("upper", 1) else np.tril(ones, shift)
    return [build.op("Where", build.constant(mask), node.input[0], build.like(0, node.input[0]))]


def eye_like(build: Build, node: onnx.NodeProto) -> list[str]:
    """A constant, for a shape that is fixed."""
    given = attributes(node)
    rows, columns = build.shape(node.input[0])
    dtype = onnx.helper.tensor_dtype_to_np_dtype(given.get("dtype", build.elem_type(node.input[0])))
    return [build.op("Identity", build.constant(np.eye(rows, columns, k=given.get("k", 0), dtype=dtype)))]


def depth_to_space(build: Build, node: onnx.NodeProto) -> list[str]:
    """Two reshapes and a transposition."""
    given = attributes(node)
    n, c, h, w = build.shape(node.input[0])
    block = given["blocksize"]
    deep = c // block**2
    if given.get("mode", "DCR") == "DCR":
        split = build.reshape(node.input[0], [n, block, block, deep, h, w])
        turned = build.transpose(split, [0, 3, 4, 1, 5, 2])
    else:
        split = build.reshape(node.input[0], [n, deep, block, block, h, w])
        turned = build.transpose(split, [0, 1, 4, 2, 5, 3])
    return [build.reshape(turned, [n, deep, h * block, w * block])]


def space_to_depth(build: Build, node: onnx.NodeProto) -> list[str]:
    """Two reshapes and a transposition."""
    block = attributes(node)["blocksize"]
    n, c, h, w = build.shape(node.input[0])
    split = build.reshape(node.input[0], [n, c, h // block, block, w // block, block])
    turned = build.transpose(split, [0, 3, 5, 1, 2, 4])
    return [build.reshape(turned, [n, c * block**2, h // block, w // block])]


def compress(build: Build, node: onnx.NodeProto) -> list[str]:
    """Picked entries, by a constant condition."""
    kept = np.flatnonzero(build.need(node.input[1], "condition"))
    axis = attributes(node).get("axis")
    x = build.reshape(node.input[0], [-1]) if axis is None else node.input[0]
    size = build.shape(node.input[0])
    limit = int(np.prod(size)) if axis is None else size[axis]
    return [build.gather(x, kept[kept < limit], axis or 0)]


def gather_elements(build: Build, node: onnx.NodeProto) -> list[str]:
    """One gather from the flat tensor."""
    sizes = build.shape(node.input[0])
    axis = attributes(node).get("axis", 0) % len(sizes)
    indices = build.value(node.input[1])
    flat = build.reshape(node.input[0], [-1])
    if indices is not None:
        return [build.gather(flat, _flat(indices, sizes, axis), 0)]
    shape = build.shape(node.input[1])
    strides = _strides(sizes)
    grid = np.indices(shape)
    base = sum(grid[a] * strides[a] for a in range(len(sizes)) if a != axis)
    raw = build.cast(node.input[1], onnx.TensorProto.INT64)
    negative = build.op("Less", raw, build.constant(0, np.int64))
    wrapped = build.op("Where", negative, build.op("Add", raw, build.constant(sizes[axis], np.int64)), raw)
    step = build.op("Mul", wrapped, build.constant(strides[axis], np.int64))
    place = build.op("Add", step, build.constant(np.broadcast_to(base, shape), np.int64))
    return [build.op("Gather", flat, place, axis=0)]


def gather_nd(build: Build, node: onnx.NodeProto) -> list[str]:
    """One gather from the flat tensor, by constant indices."""
    sizes = build.shape(node.input[0])
    indices = build.need(node.input[1], "indices")
    batch = attributes(node).get("batch_dims", 0)
    places = _by_tuples(indices, sizes, batch)
    depth = batch + indices.shape[-1]
    flat = build.reshape(node.input[0], [int(np.prod(sizes[:depth])), *sizes[depth:]])
    return [build.gather(flat, places, 0)]


def scatter_elements(build: Build, node: onnx.NodeProto) -> list[str]:
    """A gather from the flat tensor and the updates side by side, by constant indices."""
    given = attributes(node)
    sizes = build.shape(node.input[0])
    axis = given.get("axis", 0) % len(sizes)
    places = _flat(build.need(node.input[1], "indices"), sizes, axis).ravel()
    updates = build.reshape(node.input[2], [-1])
    flat = build.reshape(node.input[0], [-1])
    made = _scattered(build, flat, int(np.prod(sizes)), places, updates, given.get("reduction", "none"))
    return [build.reshape(made, sizes)]


def scatter_nd(build: Build, node: onnx.NodeProto) -> list[str]:
    """The same for whole rows."""
    sizes = build.shape(node.input[0])
    indices = build.need(node.input[1], "indices")
    depth = indices.shape[-1]
    rest = list(sizes[depth:])
    places = _by_tuples(indices, sizes, 0).ravel()
    rows = int(np.prod(sizes[:depth]))
    flat, updates = build.reshape(node.input[0], [rows, *rest]), build.reshape(node.input[2], [len(places), *rest])
    made = _scattered(build, flat, rows, places, updates, attributes(node).get("reduction", "none"))
    return [build.reshape(made, sizes)]


_COMBINED = {"add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}


def _scattered(build: Build, flat: str, rows: int, places: np.ndarray, updates: str, reduction: str) -> str:
    """Updates that meet in one place come one after another: rounds in which no place comes twice."""
    rounds: list[dict[int, int]] = []
    for update, place in enumerate(places):
        if reduction == "none":  # the last one counts
            rounds = rounds or [{}]
            rounds[0][int(place)] = update
            continue
        free = next((each for each in rounds if int(place) not in each), None)
        if free is None:
            free = {}
            rounds.append(free)
        free[int(place)] = update
    if len(rounds) > 16:
        raise LeaveError(f"{len(rounds)} updates meet in one place")
    made = flat
    for each in rounds:
        order = np.arange(rows)
        if reduction == "none":
            order[list(each)] = [rows + update for update in each.values()]
            made = build.gather(build.op("Concat", made, updates, axis=0), order, 0)
            continue
        hit = np.array(sorted(each))
        touched = build.gather(made, hit, 0)
        new = build.op(_COMBINED[reduction], touched, build.gather(updates, [each[int(p)] for p in hit], 0))
        order[hit] = rows + np.arange(len(hit))
        made = build.gather(build.op("Concat", made, new, axis=0), order, 0)
    return made if rounds else build.op("Identity", made)


def _strides(sizes: tuple[int, ...]) -> list[int]:
    return [int(np.prod(sizes[place + 1 :])) for place in range(len(sizes))]


def _flat(indices: np.ndarray, sizes: tuple[int, ...], axis: int) -> np.ndarray:
    """Places in the flat tensor of indices along one axis."""
    grid, strides = np.indices(indices.shape), _strides(sizes)
    made = np.where(indices < 0, indices + sizes[axis], indices).astype(np.int64) * strides[axis]
    for other in range(len(sizes)):
        if other != axis:
            made = made + grid[other] * strides[other]
    return made


def _by_tuples(indices: np.ndarray, sizes: tuple[int, ...], batch: int) -> np.ndarray:
    """Places among the rows that tuples of indices name, the batch axes before them."""
    depth = indices.shape[-1]
    made = np.zeros(indices.shape[:-1], np.int64)
    for axis in range(batch):
        shape = [1] * made.ndim
        shape[axis] = sizes[axis]
        made = made * sizes[axis] + np.arange(sizes[axis]).reshape(shape)
    for place in range(depth):
        size = sizes[batch + place]
        each = indices[..., place]
        made = made * size + np.where(each < 0, each + size, each)
    return made


def one_hot(build: Build, node: onnx.NodeProto) -> list[str]:
    """Each index compared with every class."""
    depth = int(np.ravel(build.need(node.input[1], "depth"))[0])
    rank = build.rank(node.input[0]) + 1
    axis = attributes(node).get("axis", -1) % rank
    raw = build.cast(node.input[0], onnx.TensorProto.FLOAT)
    wide = build.unsqueeze(raw, [axis])
    negative = build.op("Less", wide, build.constant(0.0, np.float32))
    wide = build.op("Where", negative, build.op("Add", wide, build.constant(depth, np.float32)), wide)
    classes = np.arange(depth).reshape([-1 if a == axis else 1 for a in range(rank)])
    hit = build.op("Equal", wide, build.constant(classes, np.float32))
    off, on = (build.gather(node.input[2], place, 0) for place in (0, 1))
    return [build.op("Where", hit, on, off)]


def reversed_sequence(build: Build, node: onnx.NodeProto) -> list[str]:
    """A gather from the flat tensor, by constant lengths."""
    given, sizes = attributes(node), build.shape(node.input[0])
    batch, time = given.get("batch_axis", 1), given.get("time_axis", 0)
    lengths = build.need(node.input[1], "lengths")
    places = np.arange(int(np.prod(sizes))).reshape(sizes)
    turned = np.moveaxis(places, (batch, time), (0, 1)).copy()
    for row, length in enumerate(lengths):
        turned[row, :length] = turned[row, :length][::-1].copy()
    places = np.moveaxis(turned, (0, 1), (batch, time))
    return [build.gather(build.reshape(node.input[0], [-1]), places, 0)]


def split(build: Build, node: onnx.NodeProto) -> list[str]:
    """Slices, where the sizes are known."""
    given = attributes(node)
    axis = given.get("axis", 0) % build.rank(node.input[0])
    size = build.shape(node.input[0])[axis]
    parts = build.value(reads(node, 1)) if reads(node, 1) else None
    if parts is None:
        if reads(node, 1):
            raise LeaveError("its sizes are computed while the model runs")
        each = -(-size // len(node.output))
        parts = np.array([min(each, size - each * place) for place in range(len(node.output))])
    ends = np.cumsum(parts)
    return [build.slice(node.input[0], [axis], [int(e - p)], [int(e)]) for e, p in zip(ends, parts, strict=True)]
