"""ONNX files of others: kept whole, with the inputs that a run settled on, under names that every toolkit keeps."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx.external_data_helper import load_external_data_for_model

from converters.contract import ConversionRequest, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError, UsageError
from converters.names import kept_names, unknown_input
from converters.onnx.convert import MAX_BYTES, rename
from converters.onnx.inspect import read_signature, write_signature
from converters.onnx.load import is_external, load, tensors
from converters.onnx.prepass.fold import constants_of
from converters.onnx.prepass.rules.control import branch
from converters.onnx.prepass.run import prepare, rewritten

_LOST = re.compile(r"[^A-Za-z0-9_.\\/>-]|^[^A-Za-z0-9.]")
"""What TensorFlow takes in no name of an operator."""

PREFIX = "prepass/"
"""Of names that the pre-pass makes."""


def keep(path: Path, copy: Path, values: Mapping[str, float] | None = None) -> None:
    """Copies a model into one file, its weights inside, its ends under names that toolkits keep.

    `values` are of inputs that never change, by name: they become constants.

    Raises:
        ModelError: damaged, against the specification, weights missing or outside its folder, or an end without a name
            of its own.
        UnsupportedError: larger than one protobuf file can be.
        UsageError: a value for an input that it has not, or that the input's type cannot hold.
    """
    checked = load(path)  # also every external file's place
    _require_names(path, checked.graph)
    outside = any(is_external(tensor) for tensor in tensors(checked.graph))
    model = onnx.load(path, load_external_data=False)
    if outside:
        load_external_data_for_model(model, str(path.parent))
    if model.ByteSize() > MAX_BYTES:
        raise UnsupportedError(
            f"{path} has {model.ByteSize():,} bytes with its weights; one ONNX file holds {MAX_BYTES:,}"
        )
    weights = {tensor.name for tensor in model.graph.initializer}
    ends = [value.name for value in (*model.graph.input, *model.graph.output) if value.name not in weights]
    wanted = dict(zip(dict.fromkeys(ends), kept_names(dict.fromkeys(ends)), strict=True))
    changed = {old: new for old, new in wanted.items() if old != new}
    if values:
        _bind(model.graph, values, path.name)
    if not changed and not outside and not values:
        copy.write_bytes(path.read_bytes())
        return
    rename(model.graph, changed)
    onnx.save(model, copy)


def bind(path: Path, copy: Path, values: Mapping[str, float]) -> None:
    """As `keep`, and without the branches that the values decide against, to be held against another model.

    Raises:
        ModelError, UnsupportedError, UsageError: as `keep`.
    """
    keep(path, copy, values)
    if any(node.op_type == "If" for node in load(copy).graph.node):
        onnx.save(rewritten(copy, {"If": branch}), copy)


def _bind(graph: onnx.GraphProto, values: Mapping[str, float], title: str) -> None:
    """Makes constants of inputs; open sizes of theirs are 1."""
    weights = {tensor.name for tensor in graph.initializer}
    given = {value.name: value for value in graph.input if value.name not in weights}
    for name, value in values.items():
        if name not in given:
            raise unknown_input(title, name, given)
        tensor = given[name].type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        shape = [dim.dim_value or 1 for dim in tensor.shape.dim]
        if dtype.kind not in "fiub" or (dtype.kind != "f" and value != np.asarray(value).astype(dtype)):
            raise UsageError(f"--input {name}={value:g}: {title} takes {name} as {dtype}, which is never that")
        graph.initializer.append(onnx.numpy_helper.from_array(np.full(shape, value, dtype), name))
        graph.input.remove(given[name])


def onnx_from_onnx(request: ConversionRequest) -> Signature:
    """Writes the model for the inputs that were settled on, every size fixed, every constant an initializer.

    Returns its signature.

    Raises:
        ModelError: the file is damaged.
    """
    model = load(request.source.path)
    signature = request.source.source
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]  # constants that may be given as inputs are constants
    model.graph.input.extend(given)
    _fix(model.graph.input, {spec.name: spec for spec in signature.inputs})
    del model.graph.value_info[:]
    _fix(model.graph.output, {spec.name: spec for spec in signature.outputs})
    constants_of(model)  # weights that are given by operators are weights, which quantizers look for
    model = onnx.shape_inference.infer_shapes(model)
    for place, node in enumerate(model.graph.node):
        plain = _LOST.sub("_", node.name).lstrip("_")
        if plain != node.name:
            node.name = f"{plain or node.op_type}_{place}"
    model = _decided(model, request)
    write_signature(model, signature)
    onnx.save(model, request.target)
    return _as_written(read_signature(model), signature)


def _decided(model: onnx.ModelProto, request: ConversionRequest) -> onnx.ModelProto:
    """The model without the branches that its constants decide against, proved to compute the same.

    Formats without branches then take it; ONNX Runtime 1.31 dies of some that it optimises away itself.
    """
    if not any(node.op_type == "If" for node in model.graph.node):
        return model
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        onnx.save(model, path := Path(folder) / request.target.name)
        model = prepare(path, {"If": branch}).model
    names = {name for node in model.graph.node for name in node.output} | {t.name for t in model.graph.initializer}
    rename(model.graph, {name: f"decided/{name}" for name in names if name.startswith(PREFIX)})  # as the file's own
    for node in model.graph.node:
        node.name = f"decided/{node.name}" if node.name.startswith(PREFIX) else node.name
    return model


def _fix(values: Iterable[onnx.ValueInfoProto], specs: Mapping[str, TensorSpec]) -> None:
    """Writes the sizes that are known."""
    for value in values:
        spec = specs[value.name]
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for size in spec.shape:
            dim = shape.dim.add()
            if size is not None:
                dim.dim_value = size


def _as_written(found: Signature, source: Signature) -> Signature:
    limits = {spec.name: spec.limits for spec in source.inputs}
    inputs = tuple(dataclasses.replace(spec, limits=limits[spec.name]) for spec in found.inputs)
    return Signature(inputs, found.outputs)


def _require_names(path: Path, graph: onnx.GraphProto) -> None:
    for side, values in (("input", graph.input), ("output", graph.output)):
        names = [value.name for value in values]
        twice = sorted({name for name in names if names.count(name) > 1})
        if "" in names or twice:
            what = f"two {side}s called {twice[0]!r}" if twice else f"an {side} without a name"
            raise ModelError(f"{path} has {what}; give each a name of its own (onnx.helper) and save it again")
    both = {value.name for value in graph.input} & {value.name for value in graph.output}
    if both:
        raise ModelError(
            f"{path}: {sorted(both)[0]!r} is an input and an output at once; put an Identity between and save it again"
        )
