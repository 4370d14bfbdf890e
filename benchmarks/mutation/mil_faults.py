"""Faults in parameters and in wiring, to plant into Core ML packages; those in weights are of every format."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.mutation.layer import Planter, pick, shuffled
from benchmarks.mutation.mil import HEAVY, Mil, Op

CONVOLUTIONS, POOLS = ("conv", "conv_transpose"), ("max_pool", "avg_pool")
REDUCTIONS = ("reduce_mean", "reduce_sum", "reduce_max")
ORDERED = ("sub", "real_div", "pow", "floor_div", "greater", "less")
PASSING = (
    *("relu", "relu6", "leaky_relu", "prelu", "sigmoid", "tanh", "sigmoid_hard", "clip", "add", "sub", "mul", "gelu"),
    *("softmax", "layer_norm", "batch_norm", "exp", "sqrt", "elu", "softplus", "silu", "instance_norm"),
)


def parameter(kinds: Sequence[str], name: str, change: Callable[[Any], Any]) -> Planter:
    """A fault in a parameter of a random operator of some types that it changes."""

    def plant(file: Mil, rng: np.random.Generator) -> int | None:
        for place, op in shuffled(list(file.of(*kinds)), rng):
            old = file.value(op, name)
            new = None if old is None else change(old)
            if new is not None and not np.array_equal(new, old):
                file.bind(op, name, np.asarray(new).astype(old.dtype) if isinstance(old, np.ndarray) else new)
                return int(place)
        return None

    return plant


def retyped(old: str, new: str, **added: Any) -> Planter:
    """One operator's type became another's, with the same parameters; some are added."""

    def plant(file: Mil, rng: np.random.Generator) -> int | None:
        place, op = pick(file.of(old), rng)
        if op is not None:
            op["type"] = new
        return place

    return plant


def _inner(file: Mil, kinds: Sequence[str]) -> list[tuple[int, Op]]:
    """Operators that read something computed as `x` and are no end of the program."""
    made = {file.out(op) for op in file.ops} | {value["name"] for value in file.package.model["description"]["input"]}
    rows = [(p, o) for p, o in file.of(*kinds) if file.out(o) not in file.outputs()]
    return [(p, o) for p, o in rows if file.read_by(o, "x") in made]


def _alike(file: Mil) -> list[tuple[int, Op]]:
    """Those of them that give out the shape that they take."""
    shapes = {file.out(op): file.shape(op) for op in file.ops}
    return [(p, o) for p, o in _inner(file, (*PASSING, *HEAVY)) if shapes.get(file.read_by(o, "x")) == file.shape(o)]


def _skip(file: Mil, rng: np.random.Generator) -> int | None:
    place, op = pick(_alike(file), rng)
    if op is not None:
        file.reread(file.out(op), file.read_by(op, "x"))
        file.all.remove(op)
    return place


def _twice(file: Mil, rng: np.random.Generator) -> int | None:
    same = ("relu", "relu6", "clip", "prelu")
    place, op = pick([(p, o) for p, o in _alike(file) if o["type"] not in same], rng)
    if op is None:
        return None
    made = copy.deepcopy(op)
    made["outputs"][0]["name"] = file.fresh("again")
    file.reread(file.out(op), made["outputs"][0]["name"], op)
    made["inputs"]["x"]["arguments"][0]["name"] = file.out(op)
    file.all.insert(file.all.index(op) + 1, made)
    return int(place + 1)


def _swap(file: Mil, rng: np.random.Generator) -> int | None:
    rows = [(p, o) for p, o in file.of(*ORDERED) if o["inputs"]["x"] != o["inputs"]["y"]]
    place, op = pick(rows, rng)
    if op is not None:
        op["inputs"]["x"], op["inputs"]["y"] = op["inputs"]["y"], op["inputs"]["x"]
    return place


def _concat_swap(file: Mil, rng: np.random.Generator) -> int | None:
    shapes = {file.out(op): file.shape(op) for op in file.ops}
    for place, op in file.of("concat"):
        rows = op["inputs"]["values"]["arguments"]
        if len(rows) > 1 and shapes.get(rows[0].get("name")) == shapes.get(rows[1].get("name")) and rows[0] != rows[1]:
            rows[0], rows[1] = rows[1], rows[0]
            return int(place)
    return None


def _put_in(kind: str, **constants: Any) -> Planter:
    def plant(file: Mil, rng: np.random.Generator) -> int | None:
        place, op = pick(_inner(file, HEAVY), rng)
        return None if op is None else file.behind(place, kind, **constants)

    return plant


def _outputs_exchanged(file: Mil, rng: np.random.Generator) -> int | None:
    """Two outputs of one shape have each other's names."""
    shapes = {file.out(op): file.shape(op) for op in file.ops}
    names = file.outputs()
    for first, second in ((a, b) for a in names for b in names if a < b and shapes[a] == shapes[b]):
        turned = {first: second, second: first}
        for op in file.all:
            for value in op["outputs"]:
                value["name"] = turned.get(value["name"], value["name"])
            for argument in op.get("inputs", {}).values():
                for row in argument.get("arguments", []):
                    if "name" in row:
                        row["name"] = turned.get(row["name"], row["name"])
        return -1
    return None


def _pads(pads: np.ndarray) -> np.ndarray | None:
    return pads[::-1] + np.arange(pads.size) % 2 if pads.any() else None


MIL_FAULTS: dict[str, Planter] = {
    "padding exchanged": parameter(
        (*CONVOLUTIONS, *POOLS), "pad_type", lambda v: {"valid": "same", "same": "valid"}.get(v)
    ),
    "padding moved": parameter(
        CONVOLUTIONS, "pad", lambda v: v + np.resize([1, -1], v.size) if v.any() and v.min() > 0 else None
    ),
    "strides changed": parameter(CONVOLUTIONS, "strides", lambda v: np.where(v == 2, 1, 2)),
    "stride of a pool changed": parameter(POOLS, "strides", lambda v: np.where(v == 2, 1, 2)),
    "dilation changed": parameter(("conv",), "dilations", lambda v: v + 1),
    "padding counted in the average": parameter(("avg_pool",), "exclude_padding_from_average", lambda v: not v),
    "softmax axis": parameter(("softmax",), "axis", lambda v: v - 1),
    "concatenated along another axis": parameter(("concat",), "axis", lambda v: v + 1),
    "gathered along another axis": parameter(("gather",), "axis", lambda v: v + 1),
    "reduced along other axes": parameter(REDUCTIONS, "axes", lambda v: v - 1),
    "axes permuted": parameter(("transpose",), "perm", lambda v: v[[*range(v.size - 2), v.size - 1, v.size - 2]]),
    "epsilon changed": parameter(("layer_norm", "batch_norm", "instance_norm"), "epsilon", lambda v: v * 100),
    "leaky slope": parameter(("leaky_relu", "elu", "sigmoid_hard", "thresholded_relu"), "alpha", lambda v: v * 2),
    "gelu exact": parameter(
        ("gelu",), "mode", lambda v: "SIGMOID_APPROXIMATION" if v != "SIGMOID_APPROXIMATION" else "EXACT"
    ),
    "resize with aligned corners": parameter(("upsample_bilinear",), "align_corners", lambda v: not v),
    "a limit moved": parameter(("clip",), "beta", lambda v: v * 1.25),
    "transposed matrix": parameter(("matmul",), "transpose_y", lambda v: not v),
    "slice begins one later": parameter(
        ("slice_by_index", "slice_by_size"), "begin", lambda v: v + (np.arange(v.size) == v.size - 1)
    ),
    "variance doubled": parameter(("batch_norm",), "variance", lambda v: v * 2),
    "epsilon ten times as large": parameter(("layer_norm", "batch_norm", "instance_norm"), "epsilon", lambda v: v * 10),
    "zeros instead of a mirror": parameter(("pad",), "mode", lambda v: "constant" if v != "constant" else None),
    "mirror instead of zeros": parameter(("pad",), "mode", lambda v: "replicate" if v == "constant" else None),
    "the other limit moved": parameter(("clip",), "alpha", lambda v: v + 0.1),
    "leaky slope off by 1 %": parameter(("leaky_relu", "elu"), "alpha", lambda v: v * 1.01),
    "dimensions not kept": parameter(REDUCTIONS, "keep_dims", lambda v: not v),
    "sum backwards": parameter(("cumsum",), "reverse", lambda v: not v),
    "sum without its own": parameter(("cumsum",), "exclusive", lambda v: not v),
    "direction of a recurrence": parameter(
        ("lstm", "gru", "rnn"), "direction", lambda v: {"forward": "reverse", "reverse": "forward"}.get(v)
    ),
    "slice ends one earlier": parameter(
        ("slice_by_index",), "end", lambda v: np.maximum(v - (np.arange(v.size) == v.size - 1), 0)
    ),
    "a greatest along another axis": parameter(("reduce_argmax", "reduce_argmin"), "axis", lambda v: v - 1),
    "slope of a hard sigmoid": parameter(("sigmoid_hard",), "beta", lambda v: v * 1.1),
    "halves of the output channels exchanged": parameter(
        ("conv",), "weight", lambda v: np.concatenate(np.split(v, 2)[::-1]) if v.ndim > 2 and len(v) % 2 == 0 else None
    ),
    "MIN instead of ARGMAX": retyped("reduce_argmax", "reduce_argmin"),
    "comparison turned": retyped("greater", "less"),
    "TANH instead of GELU": retyped("gelu", "tanh"),
    "SQUARE became ABS": retyped("square", "abs"),
    "EXP instead of RSQRT": retyped("rsqrt", "exp"),
    "ADD became SUB": retyped("add", "sub"),
    "MUL instead of ADD": retyped("add", "mul"),
    "ADD instead of MUL": retyped("mul", "add"),
    "MAXIMUM instead of ADD": retyped("add", "maximum"),
    "RELU6 became RELU": retyped("relu6", "relu"),
    "RELU became RELU6": retyped("relu", "relu6"),
    "RELU instead of SIGMOID": retyped("sigmoid", "relu"),
    "TANH instead of SIGMOID": retyped("sigmoid", "tanh"),
    "SUM instead of MEAN": retyped("reduce_mean", "reduce_sum"),
    "MAXIMUM instead of MEAN": retyped("reduce_mean", "reduce_max"),
    "layer skipped": _skip,
    "layer run twice": _twice,
    "inputs exchanged": _swap,
    "concatenated the other way round": _concat_swap,
    "a factor put in": _put_in("mul", y=np.float32(0.999)),
    "an offset put in": _put_in("add", y=np.float32(0.01)),
    "a RELU put in": _put_in("relu"),
    "rounding put in": _put_in("round"),
    "names of outputs exchanged": _outputs_exchanged,
}
