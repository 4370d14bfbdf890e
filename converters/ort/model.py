"""An .ort file as the ONNX model that it stands for, so that what reads ONNX reads it too.

The file is a flatbuffer (onnxruntime/core/flatbuffers/schema/ort.fbs): the graph after optimisation, operators of
ONNX Runtime's own domain among its nodes, which stand in no order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.tools.ort_format_model.ort_flatbuffers_py import fbs

from converters.contract import Format
from converters.errors import ModelError
from converters.onnx.order import sort_nodes
from converters.sniff import sniff

IR_VERSION = 10


def as_onnx(path: Path) -> onnx.ModelProto:
    """The model in memory, its nodes in order.

    Raises:
        ModelError: another format, or damaged.
    """
    found = sniff(path)
    if found is not Format.ORT:
        raise ModelError(f"{path} holds {found}, not ORT format")
    try:
        return _model(path.read_bytes())
    except (IndexError, TypeError, ValueError, AttributeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is a damaged ORT file: {type(error).__name__}: {error}; copy it again") from error


def _model(data: bytes) -> onnx.ModelProto:
    stored = fbs.InferenceSession.InferenceSession.GetRootAsInferenceSession(data, 0)
    model = stored.Model()
    graph = _graph(model.Graph(), "main")
    opsets = [onnx.helper.make_opsetid(_text(one.Domain()), one.Version()) for one in _rows(model, "OpsetImport")]
    made = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=model.IrVersion() or IR_VERSION)
    made.producer_name, made.producer_version = "onnxruntime", _text(stored.OrtVersion())
    return made


def _graph(stored: Any, name: str) -> onnx.GraphProto:
    types = {_text(one.Name()): one for one in _rows(stored, "NodeArgs")}
    inputs, outputs = ([_text(one) for one in _rows(stored, side)] for side in ("Inputs", "Outputs"))
    constants = [_tensor(one) for one in _rows(stored, "Initializers")]
    held = {tensor.name for tensor in constants}
    inside = [one for one in types if one and one not in held and one not in (*inputs, *outputs)]
    graph = onnx.helper.make_graph(
        [_node(one) for one in _rows(stored, "Nodes")],
        name,
        [_value(one, types) for one in inputs if one not in held],
        [_value(one, types) for one in outputs],
        constants,
        value_info=[_value(one, types) for one in inside if types[one].Type() is not None],
    )
    sort_nodes(graph)
    return graph


def _node(stored: Any) -> onnx.NodeProto:
    node = onnx.NodeProto(op_type=_text(stored.OpType()), name=_text(stored.Name()), domain=_text(stored.Domain()))
    node.input.extend(_text(one) for one in _rows(stored, "Inputs"))
    node.output.extend(_text(one) for one in _rows(stored, "Outputs"))
    for one in _rows(stored, "Attributes"):
        node.attribute.append(_attribute(one))
    return node


def _attribute(stored: Any) -> onnx.AttributeProto:
    """ONNX numbers the kinds in the same way (`AttributeType` of both schemas)."""
    kinds = onnx.AttributeProto
    made = kinds(name=_text(stored.Name()), type=stored.Type())
    match made.type:
        case kinds.FLOAT:
            made.f = stored.F()
        case kinds.INT:
            made.i = stored.I()
        case kinds.STRING:
            made.s = stored.S() or b""
        case kinds.TENSOR:
            made.t.CopyFrom(_tensor(stored.T()))
        case kinds.GRAPH:
            made.g.CopyFrom(_graph(stored.G(), made.name))
        case kinds.FLOATS:
            made.floats.extend(_rows(stored, "Floats"))
        case kinds.INTS:
            made.ints.extend(_rows(stored, "Ints"))
        case kinds.STRINGS:
            made.strings.extend(_rows(stored, "Strings"))
        case other:
            raise ValueError(f"attribute {made.name!r} is of the kind {other}")
    return made


def _tensor(stored: Any) -> onnx.TensorProto:
    made = onnx.TensorProto(name=_text(stored.Name()), data_type=stored.DataType())
    made.dims.extend(_rows(stored, "Dims"))
    if stored.DataType() == onnx.TensorProto.STRING:
        made.string_data.extend(_rows(stored, "StringData"))
    elif stored.RawDataLength():
        made.raw_data = stored.RawDataAsNumpy().tobytes()
    return made


def _value(name: str, types: dict[str, Any]) -> onnx.ValueInfoProto:
    """A tensor's type and shape; an axis without a size where the file names none."""
    value = onnx.ValueInfoProto(name=name)
    info = types[name].Type() if name in types else None
    if info is None or info.ValueType() != fbs.TypeInfoValue.TypeInfoValue.tensor_type:
        return value
    tensor = fbs.TensorTypeAndShape.TensorTypeAndShape()
    table = info.Value()
    tensor.Init(table.Bytes, table.Pos)
    value.type.tensor_type.elem_type = tensor.ElemType()
    shape = tensor.Shape()
    if shape is not None:
        value.type.tensor_type.shape.SetInParent()  # of no axes, it is a single number's, and must be there
    for axis in _rows(shape, "Dim") if shape is not None else ():
        own, size = value.type.tensor_type.shape.dim.add(), axis.Value()
        if size is not None and size.DimType() == fbs.DimensionValueType.DimensionValueType.VALUE:
            own.dim_value = size.DimValue()
        elif size is not None:
            own.dim_param = _text(size.DimParam())
    return value


def _rows(table: Any, field: str) -> Iterator[Any]:
    row = getattr(table, field)
    return (row(index) for index in range(getattr(table, f"{field}Length")()))


def _text(stored: bytes | None) -> str:
    return (stored or b"").decode()
