"""An operator's own definition in ONNX: its function body, with the node's attributes and names put in."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper

from converters.onnx.prepass.build import Build, LeaveError


def by_definition(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Emits the function body of a node; None where its operator is no function.

    Raises:
        LeaveError: the body depends on types that are not known.
    """
    try:
        schema: Any = onnx.defs.get_schema(node.op_type, build.opset, node.domain)
    except onnx.defs.SchemaError:
        return None
    body = onnx.FunctionProto()
    content = _definition(build, node, schema)
    if content is None:
        return None
    body.ParseFromString(content)
    given = {item.name: item for item in node.attribute}
    defaults = {item.name: item for item in body.attribute_proto}
    for name, attribute in schema.attributes.items():
        if attribute.default_value.name:
            defaults.setdefault(name, attribute.default_value)
    names = {"": ""}
    names |= dict(zip(body.input, node.input, strict=False)) | dict.fromkeys(body.input[len(node.input) :], "")
    for inner in body.node:
        build.nodes.append(_instance(build, inner, names, given, defaults))
    return [names[name] for name in body.output[: len(node.output)]]


def has_body(node: onnx.NodeProto, opset: int) -> bool:
    """Whether an operator is defined by others."""
    try:
        schema: Any = onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return False
    return bool(schema.function_opset_versions or schema.context_dependent_function_opset_versions)


def _instance(build: Build, inner: onnx.NodeProto, names: dict[str, str], given: Any, defaults: Any) -> onnx.NodeProto:
    made = onnx.NodeProto()
    made.CopyFrom(inner)
    _rename(build, made, names)
    _resolve(made, given, defaults)
    return made


def _rename(build: Build, node: onnx.NodeProto, names: dict[str, str]) -> None:
    """The body's own names become fresh ones, in subgraphs too."""
    for side in (node.input, node.output):
        side[:] = [names[name] if name in names else names.setdefault(name, build.name()) for name in side]
    for item in node.attribute:
        if item.HasField("g"):
            graph = item.g
            for value in (*graph.input, *graph.output, *graph.initializer):
                value.name = names.setdefault(value.name, build.name())
            for each in graph.node:
                _rename(build, each, names)


def _resolve(node: onnx.NodeProto, given: Any, defaults: Any) -> None:
    for item in [item for item in node.attribute if item.ref_attr_name]:
        node.attribute.remove(item)
        source = given.get(item.ref_attr_name, defaults.get(item.ref_attr_name))
        if source is not None:
            fresh = node.attribute.add()
            fresh.CopyFrom(source)
            fresh.name = item.name
    for item in node.attribute:
        if item.HasField("g"):
            for each in item.g.node:
                _resolve(each, given, defaults)


def _definition(build: Build, node: onnx.NodeProto, schema: Any) -> bytes | None:
    """The function of an operator; one that depends on the types of what it reads is asked with these."""
    plain = [version for version in schema.function_opset_versions if version <= build.opset]
    if plain:
        return bytes(schema.get_function_with_opset_version(max(plain)))
    versions = [version for version in schema.context_dependent_function_opset_versions if version <= build.opset]
    if not versions:
        return None
    types = [_type(build, name) for name in node.input if name]
    content = schema.get_context_dependent_function_with_opset_version(max(versions), node.SerializeToString(), types)
    if not content:
        raise LeaveError("its definition says nothing for these types")
    return bytes(content)


def _type(build: Build, name: str) -> bytes:
    rank = build.rank_or_none(name)
    sizes = build.sizes(name) if rank is not None else None
    return helper.make_tensor_type_proto(build.elem_type(name), sizes).SerializeToString()
