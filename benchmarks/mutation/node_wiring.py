"""Faults in scales and in what reads what, to plant into .onnx files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.mutation.layer import Planter, pick, shuffled
from benchmarks.mutation.nodes import HEAVY, Nodes


def scales(
    slot: int, change: Callable[[np.ndarray], np.ndarray], kinds: tuple[str, ...] = ("QuantizeLinear",)
) -> Planter:
    """A fault in a scale (1) or zero point (2) of an activation, in both of its nodes where they share it."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        for place, node in shuffled(list(file.of(*kinds)), rng):
            old = file.constant(node.input[slot]) if len(node.input) > slot else None
            if old is None:
                continue
            made = np.asarray(change(old))
            if made.astype(old.dtype).tobytes() == old.tobytes():
                continue
            name = file.add(made.astype(old.dtype), "changed")
            behind = [other for other in file.graph.node if other.input and other.input[0] == node.output[0]]
            for other in (node, *behind) if kinds == ("QuantizeLinear",) else (node,):
                if other.op_type in ("QuantizeLinear", "DequantizeLinear"):
                    other.input[slot] = name
            return int(place)
        return None

    return plant


def _one_side(slot: int, change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    """Only what reads the integers has another scale or zero point than what makes them."""

    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        made = {node.output[0] for _, node in file.of("QuantizeLinear")}
        rows = [(p, n) for p, n in file.of("DequantizeLinear") if n.input[0] in made and len(n.input) > slot]
        for place, node in shuffled(rows, rng):
            old = file.constant(node.input[slot])
            if old is not None:
                node.input[slot] = file.add(np.asarray(change(old)).astype(old.dtype), "changed")
                return int(place)
        return None

    return plant


def _weight_scales(change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        rows = [
            (p, n)
            for p, n in file.of("DequantizeLinear")
            if (d := file.constant(n.input[0])) is not None and d.ndim > 1
        ]
        for place, node in shuffled(rows, rng):
            old = file.constant(node.input[1])
            if old is not None and not np.allclose(change(old), old, rtol=1e-5, atol=0):
                node.input[1] = file.add(change(old).astype(old.dtype), "changed")
                reader = next((p for p, n in enumerate(file.graph.node) if node.output[0] in n.input), place)
                return int(reader)
        return None

    return plant


def _inner(file: Nodes, kinds: Sequence[str]) -> list[tuple[int, Any]]:
    """Nodes whose first input is computed and whose output is no end of the file."""
    ends = file.outputs()
    return [(p, n) for p, n in file.of(*kinds) if n.output[0] not in ends and file.constant(n.input[0]) is None]


SKIPPED = (
    *("Relu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Add", "Sub", "Mul", "Div", "BatchNormalization"),
    *("LeakyRelu", "PRelu", "Softmax", "LayerNormalization", "Elu", "Gelu", "Exp", "Sqrt", "InstanceNormalization"),
)


def _skip(file: Nodes, rng: np.random.Generator) -> int | None:
    shapes = file.shapes()
    rows = [(p, n) for p, n in _inner(file, SKIPPED) if shapes.get(n.input[0]) == shapes.get(n.output[0])]
    place, node = pick(rows, rng)
    if node is not None:
        file.reread(node.output[0], node.input[0])
        file.graph.node.remove(node)
    return place


def _twice(file: Nodes, rng: np.random.Generator) -> int | None:
    shapes = file.shapes()
    kinds = [kind for kind in (*SKIPPED, "Conv", "Gemm", "MatMul") if kind not in ("Relu", "Clip", "PRelu")]
    rows = [(p, n) for p, n in _inner(file, kinds) if shapes.get(n.input[0]) == shapes.get(n.output[0])]
    place, node = pick(rows, rng)
    if node is None:
        return None
    fresh = file.fresh("again")
    file.reread(node.output[0], fresh, place)
    made = type(node)()
    made.CopyFrom(node)
    made.input[0], made.output[0], made.name = node.output[0], fresh, ""
    file.graph.node.insert(place + 1, made)
    return int(place + 1)


def _swap(file: Nodes, rng: np.random.Generator) -> int | None:
    shapes = file.shapes()
    rows = [(p, n) for p, n in file.of("Sub", "Div", "Pow", "Concat", "Greater", "Less") if len(n.input) > 1]
    rows = [(p, n) for p, n in rows if n.input[0] != n.input[1]]
    rows = [(p, n) for p, n in rows if n.op_type != "Concat" or shapes.get(n.input[0]) == shapes.get(n.input[1])]
    place, node = pick(rows, rng)
    if node is not None:
        node.input[0], node.input[1] = node.input[1], node.input[0]
    return place


def _other_source(file: Nodes, rng: np.random.Generator) -> int | None:
    """A residual that is taken from another node of the same shape."""
    shapes, made, rows = file.shapes(), {}, []
    maker = {name: node for node in file.graph.node for name in node.output}
    for place, node in enumerate(file.graph.node):
        if node.op_type in ("Add", "Mul", "Concat"):
            for slot, name in enumerate(node.input):
                near = {*node.input, *(maker[name].input if name in maker else ())}
                others = [other for other in made.get(shapes.get(name), []) if other not in near]
                if name in maker and shapes.get(name) and others:
                    rows.append((place, (node, slot, others[0])))
        for name in node.output:
            made.setdefault(shapes.get(name), []).append(name)
    place, found = pick(rows, rng)
    if found is not None:
        node, slot, other = found
        node.input[slot] = other
    return place


def _put_in(kind: str, constants: list[Any], kinds: Sequence[str] = HEAVY, **attributes: Any) -> Planter:
    def plant(file: Nodes, rng: np.random.Generator) -> int | None:
        place, node = pick(_inner(file, kinds), rng)
        if node is None:
            return None
        half = node.output[0] in file.halves()
        held = [one.astype(np.float16) if half and one.dtype == np.float32 else one for one in constants]
        return file.behind(place, kind, held, **attributes)

    return plant


def _through_float16(file: Nodes, rng: np.random.Generator) -> int | None:
    place, node = pick(_inner(file, HEAVY), rng)
    if node is None:
        return None
    file.behind(place, "Cast", [], to=10)
    file.behind(place + 1, "Cast", [], to=1)
    return int(place + 1)


def _outputs_exchanged(file: Nodes, rng: np.random.Generator) -> int | None:
    """The names of the first two outputs of one shape change places."""
    outputs = file.graph.output
    if len(outputs) < 2:
        return None
    first, second = outputs[0].name, outputs[1].name
    turned = {first: second, second: first}
    for node in file.graph.node:
        node.input[:] = [turned.get(name, name) for name in node.input]
        node.output[:] = [turned.get(name, name) for name in node.output]
    one, two = type(outputs[0])(), type(outputs[1])()
    one.CopyFrom(outputs[0])
    two.CopyFrom(outputs[1])
    one.name, two.name = second, first
    outputs[0].CopyFrom(one)
    outputs[1].CopyFrom(two)
    return -1


def _outputs_reordered(file: Nodes, rng: np.random.Generator) -> int | None:
    outputs = list(file.graph.output)
    if len(outputs) < 2:
        return None
    copies = [type(value)() for value in outputs]
    for made, value in zip(copies, outputs[::-1], strict=True):
        made.CopyFrom(value)
    del file.graph.output[:]
    file.graph.output.extend(copies)
    return -1


def _through_8_bits(file: Nodes, rng: np.random.Generator) -> int | None:
    """The values of one node of a float file are rounded to 8 bits in passing."""
    if any(True for _ in file.of("QuantizeLinear")):
        return None
    place, node = pick(_inner(file, HEAVY), rng)
    if node is None:
        return None
    grid = [np.float32(0.05), np.int8(-20)]
    file.behind(place, "QuantizeLinear", grid)
    file.behind(place + 1, "DequantizeLinear", grid)
    return int(place + 1)


NODE_QUANTIZATION: dict[str, Planter] = {
    "zero point off by one": scales(2, lambda z: z + 1),
    "scale 1 % larger": scales(1, lambda s: s * 1.01),
    "scale 5 % larger": scales(1, lambda s: s * 1.05),
    "scale halved: clipped": scales(1, lambda s: s * 0.5),
    "scale doubled": scales(1, lambda s: s * 2),
    "read with another zero point": _one_side(2, lambda z: z + 1),
    "read with another scale": _one_side(1, lambda s: s * 1.02),
    "scales shifted by one channel": _weight_scales(lambda s: np.roll(s, 1)),
    "one scale doubled": _weight_scales(lambda s: s * (1 + (np.arange(s.size).reshape(s.shape) == 0))),
    "scales of the weights 10 % larger": _weight_scales(lambda s: s * np.float32(1.1)),
}

NODE_WIRING: dict[str, Planter] = {
    "layer skipped": _skip,
    "layer run twice": _twice,
    "inputs exchanged": _swap,
    "another residual": _other_source,
    "a factor put in": _put_in("Mul", [np.float32(0.999)]),
    "an offset put in": _put_in("Add", [np.float32(0.01)]),
    "a RELU put in": _put_in("Relu", []),
    "rounding put in": _put_in("Round", []),
    "values pass through float16": _through_float16,
    "values pass through 8 bits": _through_8_bits,
    "names of outputs exchanged": _outputs_exchanged,
    "outputs in another order": _outputs_reordered,
}
