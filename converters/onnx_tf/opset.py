"""Tells a graph of a newer opset in opset 13, where that can be said: onnx's own converter goes down for few operators.

Most operators of opset 14 to 21 only take more types than before. The others have a rule here, or are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from converters.errors import UnsupportedError

OPSET = 13
DEFAULTS: dict[str, dict[str, Any]] = {
    "Cast": {"saturate": 1},
    "AveragePool": {"dilations": None},
    "BatchNormalization": {"training_mode": 0},
    "Resize": {"antialias": 0, "keep_aspect_ratio_policy": b"stretch"},
    "LSTM": {"layout": 0},
    "GRU": {"layout": 0},
    "RNN": {"layout": 0},
    "ScatterND": {"reduction": b"none"},
    "ScatterElements": {"reduction": b"none"},
    "QuantizeLinear": {"saturate": 1, "block_size": 0, "output_dtype": 0},
    "DequantizeLinear": {"block_size": 0, "output_dtype": 0},
}
"""Attributes that came later, with the value that means what opset 13 does; None: all of them 1."""
REDUCTIONS = frozenset(f"Reduce{kind}" for kind in ("Max", "Mean", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum"))


def told_in_13(model: Any) -> Any:
    """A model of opset 13 that computes the same.

    Raises:
        UnsupportedError: an operator, or a way to use one, that opset 13 has not; the message names it.
    """
    import onnx

    have = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    model.ir_version = min(model.ir_version, 8)  # what ONNX of that time reads
    if have <= OPSET:
        return model
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            constants.update((node.output[0], item.t) for item in node.attribute if item.name == "value")
    nodes = [made for node in model.graph.node for made in _told(node, have, constants, model.graph)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    return model


def _told(node: Any, have: int, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    import onnx

    for name, plain in DEFAULTS.get(node.op_type, {}).items():
        _drop(node, name, plain)
    rule = RULES.get(node.op_type)
    if node.op_type in REDUCTIONS:
        _axes_as_attribute(node, constants)
    elif rule:
        yield from rule(node, constants, graph)
        return
    elif not _known(node.op_type):
        schema: Any = onnx.defs.get_schema(node.op_type, have, node.domain)
        if not (schema.function_opset_versions or schema.context_dependent_function_opset_versions):
            raise UnsupportedError(f"operator {node.op_type} came after opset {OPSET}, which onnx-tf ends at")
        yield from _body(node, schema, have, constants, graph)
        return
    yield node


def _known(op_type: str) -> bool:
    import onnx

    try:
        onnx.defs.get_schema(op_type, OPSET, "")
    except onnx.defs.SchemaError:
        return False
    return True


def _drop(node: Any, name: str, plain: Any) -> None:
    import onnx

    for item in [item for item in node.attribute if item.name == name]:
        value = onnx.helper.get_attribute_value(item)
        if (set(value) != {1}) if plain is None else value != plain:
            raise UnsupportedError(f"{node.op_type} with {name} = {value!r} is not in opset {OPSET}")
        node.attribute.remove(item)


def _constant(name: str, constants: dict[str, Any], node: Any) -> list[int]:
    import onnx

    if name not in constants:
        raise UnsupportedError(f"{node.op_type} with a computed {name!r} is not in opset {OPSET}")
    return [int(value) for value in onnx.numpy_helper.to_array(constants[name]).reshape(-1)]


def _axes_as_attribute(node: Any, constants: dict[str, Any]) -> None:
    import onnx

    axes = _constant(node.input[1], constants, node) if len(node.input) > 1 and node.input[1] else []
    if axes:
        node.attribute.append(onnx.helper.make_attribute("axes", axes))
    given = {item.name: item.i for item in node.attribute}
    if given.get("noop_with_empty_axes") and "axes" not in given:
        raise UnsupportedError(f"{node.op_type} that reduces nothing is not in opset {OPSET}")
    node.input[:] = node.input[:1]
    for item in [item for item in node.attribute if item.name == "noop_with_empty_axes"]:
        node.attribute.remove(item)


def _reshape(node: Any, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    """PyTorch marks every Reshape with `allowzero`, which says something of sizes that are 0 alone."""
    name = node.input[1]
    if name not in constants or 0 in _constant(name, constants, node):
        _drop(node, "allowzero", 0)
    for item in [item for item in node.attribute if item.name == "allowzero"]:
        node.attribute.remove(item)
    yield node


def _hard_swish(node: Any, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    import onnx

    gate = f"{node.output[0]}_gate"
    yield onnx.helper.make_node("HardSigmoid", [node.input[0]], [gate], alpha=1 / 6, beta=0.5)
    yield onnx.helper.make_node("Mul", [node.input[0], gate], list(node.output))


def _split(node: Any, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    """An even split needs no sizes in opset 13; the last part of an uneven one is smaller, which must be said there."""
    import onnx

    counts = [item for item in node.attribute if item.name == "num_outputs"]
    for item in counts:
        node.attribute.remove(item)
    if counts:
        sizes = {value.name: value for value in (*graph.value_info, *graph.output)}
        axis = next((item.i for item in node.attribute if item.name == "axis"), 0)
        parts = [_size(sizes.get(name), axis) for name in node.output]
        if None in parts:
            raise UnsupportedError(f"a Split of unknown sizes is not in opset {OPSET}")
        name = f"{node.output[0]}_sizes"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(parts, np.int64), name))
        node.input[:] = [node.input[0], name]
    yield node


def _size(value: Any, axis: int) -> int | None:
    if value is None or not len(value.type.tensor_type.shape.dim):
        return None
    size = value.type.tensor_type.shape.dim[axis]
    return int(size.dim_value) if size.HasField("dim_value") else None


def _pad(node: Any, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    if len(node.input) > 3 and node.input[3]:
        raise UnsupportedError(f"Pad of some axes only is not in opset {OPSET}")
    if any(item.name == "mode" and item.s == b"wrap" for item in node.attribute):
        raise UnsupportedError(f"Pad that wraps around is not in opset {OPSET}")
    node.input[:] = node.input[:3]
    yield node


def _body(node: Any, schema: Any, have: int, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    """The operator's own definition in ONNX, its attributes and names put in."""
    import onnx

    body = onnx.FunctionProto()
    body.ParseFromString(_definition(node, schema, have, graph))
    given = {item.name: item for item in node.attribute}
    defaults = {item.name: item for item in body.attribute_proto}
    names = {"": ""}
    for own, others in ((body.input, node.input), (body.output, node.output)):
        names |= dict(zip(own, others, strict=False)) | dict.fromkeys(own[len(others) :], "")
    for inner in body.node:
        if inner.op_type == "Constant":
            name = names.setdefault(inner.output[0], f"{node.output[0]}_{inner.output[0]}")
            constants.update((name, item.t) for item in inner.attribute if item.name == "value")
            constants.update(
                (name, onnx.numpy_helper.from_array(np.array(item.ints, np.int64)))
                for item in inner.attribute
                if item.name == "value_ints"
            )
        made = onnx.NodeProto()
        made.CopyFrom(inner)
        for side in (made.input, made.output):
            side[:] = [names.setdefault(name, f"{node.output[0]}_{name}") for name in side]
        for item in [item for item in made.attribute if item.ref_attr_name]:
            made.attribute.remove(item)
            source = given.get(item.ref_attr_name, defaults.get(item.ref_attr_name))
            if source is not None:
                fresh = made.attribute.add()
                fresh.CopyFrom(source)
                fresh.name = item.name
        yield from _told(made, have, constants, graph)


def _definition(node: Any, schema: Any, have: int, graph: Any) -> bytes:
    """The function of an operator; one that depends on the types of what it reads is asked with these."""
    plain = [version for version in schema.function_opset_versions if version <= have]
    if plain:
        return bytes(schema.get_function_with_opset_version(max(plain)))
    versions = [version for version in schema.context_dependent_function_opset_versions if version <= have]
    known = _types(graph)
    missing = [name for name in node.input if name and name not in known]
    if not versions or missing:
        raise UnsupportedError(f"operator {node.op_type} came after opset {OPSET}, and its definition needs types")
    types = [known[name].SerializeToString() for name in node.input if name]
    version = max(versions)
    return bytes(schema.get_context_dependent_function_with_opset_version(version, node.SerializeToString(), types))


def _types(graph: Any) -> dict[str, Any]:
    import onnx

    known = {value.name: value.type for value in (*graph.input, *graph.value_info, *graph.output)}
    constants = {t.name: onnx.helper.make_tensor_type_proto(t.data_type, list(t.dims)) for t in graph.initializer}
    return {**known, **constants}


def _cast_like(node: Any, constants: dict[str, Any], graph: Any) -> Iterator[Any]:
    import onnx

    like = _types(graph).get(node.input[1])
    if like is None:
        raise UnsupportedError(f"a CastLike of unknown type is not in opset {OPSET}")
    yield onnx.helper.make_node("Cast", [node.input[0]], list(node.output), to=like.tensor_type.elem_type)


RULES: dict[str, Callable[[Any, dict[str, Any], Any], Iterator[Any]]] = {
    "CastLike": _cast_like,
    "HardSwish": _hard_swish,
    "Reshape": _reshape,
    "Split": _split,
    "Pad": _pad,
}
