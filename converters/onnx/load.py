"""An ONNX model from its file, checked before anyone uses it; weights outside the file only from its own folder."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner
from google.protobuf.message import DecodeError
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError

from converters.contract import Format
from converters.errors import ModelError, UnsupportedError
from converters.onnx.order import sort_nodes
from converters.sniff import sniff

LARGEST = 2**31 - 1
"""Of one protobuf."""


def load(path: Path) -> onnx.ModelProto:
    """The model with local functions inlined and tensor shapes inferred; external weights are not read yet.

    Raises:
        ModelError: no ONNX file, damaged, against the specification, or with weights outside its folder.
    """
    found = sniff(path)
    if found is not Format.ONNX:
        raise ModelError(f"{path} holds {found}, not ONNX")
    if (size := path.stat().st_size) > LARGEST:
        raise ModelError(
            f"{path} has {size:,} bytes, and no more than {LARGEST:,} are read of one protobuf: save it with its "
            "weights in a file of their own, onnx.save(model, path, save_as_external_data=True)"
        )
    try:
        model = onnx.load(path, load_external_data=False)
        external = [tensor for tensor in tensors(model.graph) if is_external(tensor)]
        for tensor in external:
            external_file(tensor, path.parent)
        if external:  # the checker would look for the files in the current folder
            sort_nodes(model.graph)
        else:
            _check(model)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        with contextlib.suppress(InferenceError):  # operators of other domains have no shapes to infer
            model = onnx.shape_inference.infer_shapes(model)
    except (DecodeError, ValidationError, ValueError) as e:
        raise ModelError(f"{path} is no valid ONNX model: {_sentence(e)}") from e
    return model


def load_whole(path: Path) -> onnx.ModelProto:
    """As `load`, with weights from other files read too.

    Raises:
        ModelError: as `load`.
        UnsupportedError: together they are more than one protobuf holds.
    """
    model = load(path)
    apart = [tensor for tensor in tensors(model.graph) if is_external(tensor)]
    if not apart:
        return model
    held = sum(int(entry.value) for tensor in apart for entry in tensor.external_data if entry.key == "length")
    if held + model.ByteSize() > LARGEST:
        raise UnsupportedError(f"{path.name} and its weights in other files are too large for one model in memory")
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
        _check(model)
    except (ValidationError, ValueError, OSError) as e:
        raise ModelError(f"{path} is no valid ONNX model: {_sentence(e)}") from e
    return model


def _check(model: onnx.ModelProto) -> None:
    """Raises ValidationError where a model is against the specification.

    An operator of a later opset passes: ONNX Runtime knows some of them in files of any opset, and writes such files.
    Nodes that stand before what they read are put in order, as ONNX Runtime does: its own float16 converter writes such
    files.
    """
    try:
        onnx.checker.check_model(model)
    except ValidationError as error:
        if "topologically sorted" in str(error) and sort_nodes(model.graph):
            return _check(model)
        later = re.search(r"No Op registered for (\w+) with domain_version", str(error))
        if later is None or not onnx.defs.has(later[1], ""):
            raise


def tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every constant of a graph and its subgraphs: initializers and attributes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs):
                yield from tensors(inner)


def untaken_bytes(path: Path) -> int:
    """Bytes of constants in branches (If) beyond those of the one that has fewest: a file may lose so many by right.

    Where a constant decides, the other branch is left out.
    """
    return _untaken(onnx.load(path, load_external_data=False).graph)


def _untaken(graph: onnx.GraphProto) -> int:
    found = 0
    for node in graph.node:
        bodies = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
        if node.op_type == "If":
            held = sorted(sum(_bytes(tensor) for tensor in tensors(body)) for body in bodies)
            found += sum(held[1:])
        else:
            found += sum(map(_untaken, bodies))
    return found


def _bytes(tensor: onnx.TensorProto) -> int:
    return math.prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def is_external(tensor: onnx.TensorProto) -> bool:
    """Whether the values lie in another file."""
    return tensor.data_location == onnx.TensorProto.EXTERNAL


def external_file(tensor: onnx.TensorProto, folder: Path) -> Path:
    """The file that holds an external tensor's values.

    Raises:
        ModelError: it lies outside `folder`, is missing, or is too short.
    """
    entry = {item.key: item.value for item in tensor.external_data}
    location = entry.get("location", "")
    path = folder / location
    if not location or not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(
            f"tensor {tensor.name!r} wants its values from {location!r}, outside the model's folder {folder}: refused"
        )
    if not path.is_file():
        raise ModelError(f"tensor {tensor.name!r} has its values in {path}, which does not exist; copy it there too")
    end = int(entry.get("offset", 0)) + int(entry.get("length", 0))
    if path.stat().st_size < end:
        raise ModelError(f"tensor {tensor.name!r} ends at byte {end} of {path}, which has {path.stat().st_size}")
    return path


def array(tensor: onnx.TensorProto, folder: Path) -> np.ndarray:
    """A tensor's values.

    Raises:
        ModelError: their number does not fit the shape, or an external file is not there.
    """
    if is_external(tensor):
        external_file(tensor, folder)
    try:
        return onnx.numpy_helper.to_array(tensor, str(folder))
    except (ValueError, TypeError, OSError) as e:
        raise ModelError(f"tensor {tensor.name!r} cannot be read: {_sentence(e)}") from e


_LONGEST = 300


def dtype_name(elem_type: int) -> str:
    """The numpy name of a TensorProto.DataType (`float32`, `int8`, `bfloat16`), `str` for texts."""
    if elem_type == onnx.TensorProto.STRING:
        return "str"
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(elem_type).name)
    except KeyError:
        raise ModelError(f"there is no tensor type {elem_type}") from None


def _sentence(error: Exception) -> str:
    """What comes before an empty line, behind which the checker quotes the node, in one line."""
    said = " ".join(str(error).strip().partition("\n\n")[0].split())
    return said[:_LONGEST] or type(error).__name__
