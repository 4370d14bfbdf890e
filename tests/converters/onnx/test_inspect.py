from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Format, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError
from converters.inspection import Inspection
from converters.onnx.inspect import SIGNATURE_KEY, inspect, write_signature

Linear = Callable[..., onnx.ModelProto]
Saved = Callable[[onnx.ModelProto], Path]


def by_name(found: Inspection) -> dict[str, tuple[object, ...]]:
    return {t.name: (t.shape, t.dtype, t.constant, t.size_bytes, t.scales) for t in found.tensors}


def test_tensors_operators_and_signature(linear: Linear, saved: Saved) -> None:
    found = inspect(saved(linear()))
    assert found.format is Format.ONNX
    assert found.signature == Signature(
        (TensorSpec("x", (None, 3), "float32"),), (TensorSpec("y", (None, 5), "float32"),)
    )
    assert by_name(found) == {
        "weight": ((3, 5), "float32", True, 60, 0),
        "bias": ((5,), "float32", True, 20, 0),
        "x": ((-1, 3), "float32", False, 0, 0),
        "sum": ((-1, 5), "float32", False, 0, 0),
        "y": ((-1, 5), "float32", False, 0, 0),
    }
    names = [tensor.name for tensor in found.tensors]
    assert [
        (op.type, [names[i] for i in op.inputs], [names[i] for i in op.outputs], op.version) for op in found.ops
    ] == [
        ("Gemm", ["x", "weight", "bias"], ["sum"], 18),
        ("Relu", ["sum"], ["y"], 18),
    ]
    assert found.metadata["opset"] == "ai.onnx 18"


def test_constants_that_are_not_finite_are_marked(linear: Linear, saved: Saved) -> None:
    weight = np.ones((3, 5), np.float32)
    assert all(tensor.finite for tensor in inspect(saved(linear(weight=weight))).tensors)
    for broken in (np.nan, -np.inf):
        weight[1, 2] = broken
        assert [t.name for t in inspect(saved(linear(weight=weight))).tensors if not t.finite] == ["weight"]


def test_weights_on_an_8_bit_grid_are_told(linear: Linear, saved: Saved) -> None:
    random = np.random.default_rng(0)
    exact = random.normal(size=(3, 500)).astype(np.float32)
    rounded = (random.integers(-127, 128, (3, 500)) * np.float32(0.01)).astype(np.float32)
    rounded[:, 0] = 127 * np.float32(0.01)

    def bits(weight: np.ndarray) -> int:
        model = linear(weight=weight)
        model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.zeros(500, np.float32), "bias"))
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 500
        return next(tensor.grid_bits for tensor in inspect(saved(model)).tensors if tensor.name == "weight")

    assert bits(exact) == 32
    assert bits(rounded) == 8


def quantized(per_channel: bool) -> onnx.ModelProto:
    """int8 weights (3, 5) through DequantizeLinear; the input quantized with one scale; bfloat16 and int4 aside."""
    scales = np.full(5 if per_channel else (), 0.5, np.float32)
    points = np.zeros(scales.shape, np.int8)
    axis = {"axis": 1} if per_channel else {}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_point"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "x_scale", "x_point"], ["x_f"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_point"], ["w_f"], **axis),
        helper.make_node("MatMul", ["x_f", "w_f"], ["y"]),
        helper.make_node("Identity", ["half"], ["half_out"]),
        helper.make_node("Constant", [], ["small"], value=helper.make_tensor("", TensorProto.INT4, [3], [1, 2, 3])),
    ]
    weights = {
        "w": np.ones((3, 5), np.int8),
        "w_scale": scales,
        "w_point": points,
        "x_scale": np.float32(0.1),
        "x_point": np.int8(3),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
        [
            *(numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()),
            helper.make_tensor("half", TensorProto.BFLOAT16, [2], [1.0, 2.0]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize(("per_channel", "scales"), [(True, 5), (False, 1)])
def test_int8_weights_are_int8_with_their_scales(per_channel: bool, scales: int, saved: Saved) -> None:
    found = by_name(inspect(saved(quantized(per_channel))))
    assert found["w"] == ((3, 5), "int8", True, 15, scales)
    assert found["x_q"] == ((1, 3), "int8", False, 0, 1)
    assert found["w_f"][1:] == ("float32", False, 0, 0)


def test_small_types_keep_their_names_and_sizes(saved: Saved) -> None:
    found = by_name(inspect(saved(quantized(True))))
    assert found["half"] == ((2,), "bfloat16", True, 4, 0)
    assert found["small"] == ((3,), "int4", True, 2, 0), "a Constant node is a constant tensor"


def test_branches_are_read(saved: Saved) -> None:
    out = [helper.make_tensor_value_info("b", TensorProto.FLOAT, [2])]
    inner = numpy_helper.from_array(np.ones(2, np.float32), "inner")
    branch = helper.make_graph([helper.make_node("Add", ["x", "inner"], ["b"])], "branch", [], out, [inner])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
    ]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    found = inspect(saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)))
    assert [op.type for op in found.ops] == ["If", "Add", "Add"]
    x = [tensor.name for tensor in found.tensors].index("x")
    assert [op.inputs[0] for op in found.ops[1:]] == [x, x]
    assert sum(tensor.constant for tensor in found.tensors) == 2


def test_operators_of_other_domains_carry_them(linear: Linear, saved: Saved) -> None:
    model = linear(relu="Gelu")
    model.graph.node[1].domain = "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    found = inspect(saved(model))
    assert [(op.type, op.version) for op in found.ops] == [("Gemm", 18), ("com.microsoft.Gelu", 1)]


def test_layouts_and_meanings_survive_in_the_metadata(linear: Linear, saved: Saved) -> None:
    model = linear()
    wanted = Signature(
        (TensorSpec("x", (None, 3), "float32", "NC", meaning="features"),),
        (TensorSpec("y", (None, 5), "float32", "NC", meaning="logits"),),
    )
    write_signature(model, wanted)
    write_signature(model, wanted)
    assert len(model.metadata_props) == 1
    assert inspect(saved(model)).signature == wanted


def test_metadata_never_overrules_the_graph(linear: Linear, saved: Saved) -> None:
    model = linear()
    write_signature(
        model,
        Signature(
            (TensorSpec("x", (1, 3, 3, 3), "int8", "NCHW"),),
            (TensorSpec("other", (1,), "int8", "N"),),
        ),
    )
    assert inspect(saved(model)).signature == inspect(saved(linear())).signature


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"inputs": [{"name": "x"}]}), json.dumps({"inputs": 3})])
def test_damaged_metadata_is_refused(text: str, linear: Linear, saved: Saved) -> None:
    model = linear()
    model.metadata_props.append(onnx.StringStringEntryProto(key=SIGNATURE_KEY, value=text))
    with pytest.raises(ModelError, match=r"edge_export\.signature is damaged"):
        inspect(saved(model))


@pytest.mark.parametrize("kind", [TensorProto.BFLOAT16, TensorProto.STRING])
def test_inputs_that_numpy_cannot_hold_are_refused(kind: int, saved: Saved) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kind, [2])],
        [helper.make_tensor_value_info("y", kind, [2])],
    )
    with pytest.raises(UnsupportedError, match=r"'x' has the type (bfloat16|str), which"):
        inspect(saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)))


def test_sequences_are_refused(saved: Saved) -> None:
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, [2])],
    )
    with pytest.raises(UnsupportedError, match="'y' is a sequence_type"):
        inspect(saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)))


def test_two_outputs_of_one_name_are_the_files_fault(linear: Linear, saved: Saved) -> None:
    model = linear()
    model.graph.output.append(model.graph.output[0])
    with pytest.raises(ModelError, match="output names must be unique .*: give each a name of its own"):
        inspect(saved(model))
