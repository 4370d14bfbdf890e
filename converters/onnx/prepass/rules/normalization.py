"""Normalizations by sums and roots."""

from __future__ import annotations

import onnx

from converters.onnx.prepass.build import Build, attributes


def batch(build: Build, node: onnx.NodeProto) -> list[str]:
    """A line for each channel; its statistics are those of the batch while it trains."""
    given = attributes(node)
    x, scale, bias, mean, variance = node.input[:5]
    rank = build.rank(x)
    shape = [1, -1, *[1] * (rank - 2)]
    epsilon = build.like(given.get("epsilon", 1e-5), x)
    if not given.get("training_mode", 0):
        factor = build.op("Div", scale, build.op("Sqrt", build.op("Add", variance, epsilon)))
        shift = build.op("Sub", bias, build.op("Mul", mean, factor))
        wide = [name if rank == 2 else build.reshape(name, shape) for name in (factor, shift)]
        return [build.op("Add", build.op("Mul", x, wide[0]), wide[1])]
    axes = [axis for axis in range(rank) if axis != 1]
    now = build.reduce("ReduceMean", x, axes)
    away = build.op("Sub", x, now)
    spread = build.reduce("ReduceMean", build.op("Mul", away, away), axes)
    factor = build.op("Div", build.reshape(scale, shape), build.op("Sqrt", build.op("Add", spread, epsilon)))
    made = build.op("Add", build.op("Mul", away, factor), build.reshape(bias, shape))
    kept = given.get("momentum", 0.9)
    running = []
    for before, new in ((mean, now), (variance, spread)):
        old = build.op("Mul", before, build.like(kept, x))
        running.append(build.op("Add", old, build.op("Mul", build.reshape(new, [-1]), build.like(1 - kept, x))))
    return [made, *running]


def instance(build: Build, node: onnx.NodeProto) -> list[str]:
    """Each channel of each sample by its own mean and variance."""
    x, scale, bias = node.input
    rank = build.rank(x)
    shape = [1, -1, *[1] * (rank - 2)]
    made = _whitened(build, x, list(range(2, rank)), attributes(node).get("epsilon", 1e-5))
    return [build.op("Add", build.op("Mul", made, build.reshape(scale, shape)), build.reshape(bias, shape))]


def layer(build: Build, node: onnx.NodeProto) -> list[str]:
    """The last axes by their own mean and variance; these, too, where they are asked for."""
    given, x = attributes(node), node.input[0]
    rank = build.rank(x)
    axes = list(range(given.get("axis", -1) % rank, rank))
    mean = build.reduce("ReduceMean", x, axes)
    away = build.op("Sub", x, mean)
    variance = build.reduce("ReduceMean", build.op("Mul", away, away), axes)
    root = build.op("Sqrt", build.op("Add", variance, build.like(given.get("epsilon", 1e-5), x)))
    made = build.op("Mul", build.op("Div", away, root), node.input[1])
    if len(node.input) > 2 and node.input[2]:
        made = build.op("Add", made, node.input[2])
    rest = [mean, build.op("Div", build.like(1.0, x), root)] if len(node.output) > 1 else []
    return [made, *rest][: len(node.output)]


def power(build: Build, node: onnx.NodeProto) -> list[str]:
    """LpNormalization: a vector by its own length, 0 where it has none."""
    given, x = attributes(node), node.input[0]
    axis = [given.get("axis", -1) % build.rank(x)]
    if given.get("p", 2) == 1:
        length = build.reduce("ReduceSum", build.op("Abs", x), axis)
    else:
        length = build.op("Sqrt", build.reduce("ReduceSum", build.op("Mul", x, x), axis))
    nothing = build.op("Equal", length, build.like(0.0, x))
    safe = build.op("Where", nothing, build.like(1.0, x), length)
    return [build.op("Where", nothing, build.like(0.0, x), build.op("Div", x, safe))]


def mean_variance(build: Build, node: onnx.NodeProto) -> list[str]:
    """MeanVarianceNormalization; as ONNX defines it, the root is kept off 0 by 1e-9."""
    x = node.input[0]
    axes = [int(axis) % build.rank(x) for axis in attributes(node).get("axes") or (0, 2, 3)]
    away = build.op("Sub", x, build.reduce("ReduceMean", x, axes))
    root = build.op("Sqrt", build.reduce("ReduceMean", build.op("Mul", away, away), axes))
    return [build.op("Div", away, build.op("Add", root, build.like(1e-9, x)))]


def dropout(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Nothing is dropped outside training."""
    if len(node.input) > 2 and node.input[2] and bool(build.need(node.input[2], "training mode")):
        ratio = float(build.need(node.input[1], "ratio")) if node.input[1] else 0.5
        if ratio:
            return None
    made = [build.op("Identity", node.input[0])]
    if len(node.output) > 1:
        one = build.op("Equal", node.input[0], node.input[0])  # NaN aside, which no mask describes
        made.append(one)
    return made


def _whitened(build: Build, x: str, axes: list[int], epsilon: float) -> str:
    away = build.op("Sub", x, build.reduce("ReduceMean", x, axes))
    variance = build.reduce("ReduceMean", build.op("Mul", away, away), axes)
    return build.op("Div", away, build.op("Sqrt", build.op("Add", variance, build.like(epsilon, x))))
