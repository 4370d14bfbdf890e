"""Faults that converters make and few catalogues hold, to plant into .onnx files: gates, groups, masks, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.mutation.layer import Planter, shuffled
from benchmarks.mutation.node_options import attribute, integers, retyped
from benchmarks.mutation.nodes import Nodes

GATES = {"LSTM": 4, "GRU": 3}


def _gates(order: Sequence[int]) -> Planter:
    """The gates of a recurrent layer in another framework's order, in all of its weights."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        for place, node in shuffled(list(file.of(*GATES)), rng):
            count = GATES[node.op_type]
            turned = [k for k in order if k < count]
            done = False
            for slot in (1, 2):
                values = file.constant(node.input[slot])
                if values is not None:
                    parts = np.split(values, count, axis=1)
                    file.own(node, slot, np.concatenate([parts[k] for k in turned], axis=1))
                    done = True
            if done:
                return int(place)
        return None

    return plant


def exchanged(kinds: Sequence[str], first: int, second: int, outputs: bool = False) -> Planter:
    """Two inputs, or outputs, of a node stand for each other."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        shapes = file.shapes()
        for place, node in shuffled(list(file.of(*kinds)), rng):
            names = node.output if outputs else node.input
            if len(names) > max(first, second) and names[first] != names[second]:
                one, two = names[first], names[second]
                if not outputs or shapes.get(one) == shapes.get(two):
                    names[first], names[second] = two, one
                    return int(place)
        return None

    return plant


def _groups(file: Nodes, rng: np.random.Generator) -> int | None:
    """The groups of a grouped convolution in another order."""
    for place, node in shuffled(list(file.of("Conv", "ConvTranspose")), rng):
        count, kernel = file.attribute(node, "group") or 1, file.stored(node.input[1])[0]
        if count > 1 and kernel is not None and len(kernel) % count == 0:
            file.own(node, 1, np.concatenate(np.split(kernel, count)[::-1]))
            return int(place)
    return None


def _before(kind: str, change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    """A float constant that is read shortly before a node of a type: the scale or the mask of an attention."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        maker = {name: (place, node) for place, node in enumerate(file.graph.node) for name in node.output}
        for _, node in shuffled(list(file.of(kind)), rng):
            todo = [(name, 0) for name in node.input]
            while todo:
                name, depth = todo.pop(0)
                if name not in maker or depth > 3:
                    continue
                place, reader = maker[name]
                for slot, read in enumerate(reader.input):
                    data = file.constant(read) if reader.op_type in ("Mul", "Div", "Add", "Sub", "Where") else None
                    if data is not None and data.dtype == np.float32 and data.any():
                        file.own(reader, slot, change(data).astype(np.float32))
                        return int(place)
                todo += [(read, depth + 1) for read in reader.input]
        return None

    return plant


def _table(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Planter:
    """A fault in the rows of a table."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        for place, node in shuffled(list(file.of("Gather")), rng):
            data = file.stored(node.input[0])[0]
            if data is not None and data.ndim > 1 and len(data) > 2:
                file.own(node, 0, change(data, rng))
                return int(place)
        return None

    return plant


def _two_rows(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order = np.arange(len(data))
    order[[0, 1]] = order[[1, 0]]
    return data[order]


def _kernels_exchanged(file: Nodes, rng: np.random.Generator) -> int | None:
    """Two layers of the same shape have each other's kernels."""
    layers = file.layers()
    for one in shuffled(layers, rng):
        for two in shuffled(layers, rng):
            if one.place < two.place and one.kernel.shape == two.kernel.shape and (one.kernel != two.kernel).any():
                kernel = one.kernel.copy()
                one.set_kernel(two.kernel.copy())
                two.set_kernel(kernel)
                return -1  # by their weights they have exchanged places, by their places weights
    return None


def _bidirectional(file: Nodes, rng: np.random.Generator) -> int | None:
    """Both directions of a recurrent layer have each other's weights."""
    for place, node in shuffled(list(file.of(*GATES)), rng):
        values = file.constant(node.input[1])
        if values is not None and len(values) == 2:
            file.own(node, 1, values[::-1])
            return int(place)
    return None


def _order(kinds: Sequence[str], slot: int = 1) -> Planter:
    """A constant list of places in another order."""
    return integers(kinds, slot, lambda v: v[::-1] if v.ndim == 1 and v.size > 1 else None)


def _reversed(value: Any) -> Any:
    return list(value)[::-1]


def _recurrent(slot: int, change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    """A fault in a constant of a recurrent layer: weights of the input, of the state, biases."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        for place, node in shuffled(list(file.of(*GATES)), rng):
            values = file.constant(node.input[slot]) if len(node.input) > slot and node.input[slot] else None
            if values is not None and values.any():
                file.own(node, slot, change(values))
                return int(place)
        return None

    return plant


def _turned(values: np.ndarray) -> np.ndarray:
    """The square matrix of each gate, transposed."""
    ways, rows, size = values.shape
    return values.reshape(ways, rows // size, size, size).transpose(0, 1, 3, 2).reshape(values.shape)


NODE_RARE: dict[str, Planter] = {
    "kernels of two layers exchanged": _kernels_exchanged,
    "gates in another order": _gates((1, 0, 3, 2)),
    "directions exchanged": _bidirectional,
    "linear before reset": attribute(("GRU",), "linear_before_reset", lambda v: 1 - v, 0),
    "groups in another order": _groups,
    "outputs of a split exchanged": exchanged(("Split",), 0, 1, outputs=True),
    "concatenated the other way round": exchanged(("Concat",), 0, 1),
    "branches of a choice exchanged": exchanged(("Where",), 1, 2),
    "matrices exchanged": exchanged(("MatMul",), 0, 1),
    "comparison turned": retyped("Less", "Greater"),
    "greater became less": retyped("Greater", "Less"),
    "indices in another order": _order(("Gather",)),
    "value of the padding": integers(("Pad",), 2, lambda v: v + np.float32(0.5) if v.dtype.kind == "f" else None),
    "one more padded": integers(("Pad",), 1, lambda v: np.roll(v, 1)),
    "limits of a Clip exchanged": exchanged(("Clip",), 1, 2),
    "least of a Clip": integers(("Clip",), 1, lambda v: v - np.float32(0.1)),
    "slopes shifted by one channel": integers(("PRelu",), 1, lambda v: np.roll(v.reshape(-1), 1).reshape(v.shape)),
    "depth to space the other way": attribute(
        ("DepthToSpace",), "mode", lambda v: "CRD" if v in (b"DCR", "DCR") else "DCR", "DCR"
    ),
    "epsilon ten times as large": attribute(
        ("BatchNormalization", "InstanceNormalization", "LayerNormalization"), "epsilon", lambda v: v * 10, 1e-5
    ),
    "axis of a normalization": attribute(("LayerNormalization",), "axis", lambda v: v - 1 if v == -1 else -1, -1),
    "scale of an attention": _before("Softmax", lambda v: v * 1.2),
    "sign of a mask": _before("Softmax", lambda v: -v),
    "two rows of a table exchanged": _table(_two_rows),
    "a table in another order": _table(lambda data, rng: data[::-1]),
    "exponent": integers(("Pow",), 1, lambda v: v * np.asarray(1.1, v.dtype) if v.dtype.kind == "f" else None),
    "smallest instead of largest": attribute(("TopK",), "largest", lambda v: 1 - v, 1),
    "sum backwards": attribute(("CumSum",), "reverse", lambda v: 1 - v, 0),
    "alpha of an ELU": attribute(("Elu", "Celu", "Selu", "ThresholdedRelu"), "alpha", lambda v: v * 1.1, 1.0),
    "strides exchanged": attribute(("Conv", "MaxPool", "AveragePool"), "strides", _reversed),
    "dilations exchanged": attribute(("Conv",), "dilations", _reversed),
    "padding on one side": attribute(
        ("Conv", "MaxPool", "AveragePool"), "pads", lambda p: [*[2 * n for n in p[: len(p) // 2]], *[0] * (len(p) // 2)]
    ),
    "output padding": attribute(("ConvTranspose",), "output_padding", _reversed, [0, 1]),
    "approximate GELU": attribute(
        ("Gelu",), "approximate", lambda v: "tanh" if v in (b"none", "none") else "none", "none"
    ),
    "MIN instead of MAX": retyped("ReduceMax", "ReduceMin", "axes", "keepdims"),
    "TANH instead of ERF": retyped("Erf", "Tanh"),
    "SINE instead of COSINE": retyped("Cos", "Sin"),
    "ABS instead of NEG": retyped("Neg", "Abs"),
    "MIN instead of ARGMAX": retyped("ArgMax", "ArgMin", "axis", "keepdims"),
    "a greatest along another axis": attribute(("ArgMax", "ArgMin"), "axis", lambda v: v - 1 if v > 1 else v + 1, 0),
    "zeros instead of a mirror": attribute(("Pad",), "mode", lambda v: None if v == b"constant" else "constant"),
    "edge instead of a mirror": attribute(("Pad",), "mode", lambda v: "edge" if v == b"reflect" else None),
    "resize with aligned corners": attribute(
        ("Resize",), "coordinate_transformation_mode", lambda v: "align_corners", b"half_pixel"
    ),
    "slice ends one earlier": integers(("Slice",), 2, lambda v: np.where(np.abs(v) < 2**31, v - 1, v)),
    "slice from the other side": integers(("Slice",), 4, lambda v: -v),
    "split at other places": integers(("Split",), 1, lambda v: np.roll(v, 1)),
    "sum without its own": attribute(("CumSum",), "exclusive", lambda v: 1 - v, 0),
    "sum along another axis": integers(("CumSum",), 1, lambda v: v - 1),
    "mean and variance exchanged": exchanged(("BatchNormalization",), 3, 4),
    "factor and offset exchanged": exchanged(("BatchNormalization", "InstanceNormalization"), 1, 2),
    "biases of a recurrence lost": _recurrent(3, lambda v: v * 0),
    "biases' gates in another order": _recurrent(3, lambda v: np.roll(v, v.shape[1] // 8, 1)),
    "recurrent weights transposed": _recurrent(2, _turned),
    "state of a recurrence forgotten": _recurrent(2, lambda v: v * 0),
    "FLOOR instead of ROUND": retyped("Round", "Floor"),
    "LESS instead of LESS OR EQUAL": retyped("LessOrEqual", "Greater"),
    "a limit of a choice moved": integers(("Greater", "Less"), 1, lambda v: v + np.asarray(0.1, v.dtype)),
    "a global average of the wrong axis": integers(("ReduceMean",), 1, lambda v: v[:1] if v.size > 1 else v - 1),
    "offset per channel in another order": integers(("Add", "Sub"), 1, lambda v: np.flip(v) if v.size > 2 else None),
    "factor per channel in another order": integers(("Mul", "Div"), 1, lambda v: np.flip(v) if v.size > 2 else None),
}  # fmt: skip
