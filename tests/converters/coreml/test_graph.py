"""A package as a graph: weights as they lie in the file, parameters as attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mil_files import BIAS, WEIGHT, MilOp, saved, write

from converters.contract import Format
from converters.coreml.graph import read_graph


def test_operators_constants_and_attributes(tmp_path: Path) -> None:
    graph = read_graph(saved(tmp_path / "m.mlpackage"))
    assert graph.format is Format.COREML
    assert [op.type for op in graph.ops] == ["linear", "leaky_relu", "mul"]
    linear, act, mul = graph.ops
    x, weight, bias = (graph.tensors[index] for index in linear.inputs)
    assert (x.name, graph.inputs, graph.input_names, graph.output_names) == ("x", (x.index,), ("x",), ("y",))
    np.testing.assert_array_equal(weight.data, WEIGHT)
    np.testing.assert_array_equal(bias.data, BIAS)
    assert act.inputs == linear.outputs
    assert act.attributes == {"alpha": 0.25}
    assert graph.tensors[mul.inputs[1]].data == 2, "a constant operand is a tensor"
    assert mul.outputs == graph.outputs


def test_an_affine_weight_is_its_integers_and_what_they_stand_for(tmp_path: Path) -> None:
    stored = np.arange(12, dtype=np.int8).reshape(4, 3)
    scale = np.array([1, 2, 3, 4], np.float32)
    compressed = {
        "quantized_data": (stored, "int8"),
        "scale": scale,
        "zero_point": (np.zeros(4, np.int8), "int8"),
        "axis": 0,
    }
    ops = [
        MilOp("constexpr_affine_dequantize", {}, [("w", "float32", (4, 3))], attributes=compressed),
        MilOp("linear", {"x": "x", "weight": "w"}, [("y", "float32", (2, 4))]),
    ]
    graph = read_graph(write(tmp_path / "m.mlpackage", ops))
    weight = graph.tensors[graph.ops[0].inputs[1]]
    np.testing.assert_array_equal(weight.data, stored)
    np.testing.assert_array_equal(weight.real(), stored * scale[:, None])


def test_half_weights_are_told_in_their_type(tmp_path: Path) -> None:
    graph = read_graph(saved(tmp_path / "m.mlpackage", weight=WEIGHT.astype(np.float16), kind="float16"))
    assert graph.tensors[graph.ops[0].inputs[1]].dtype == "float16"
    assert graph.tensors[graph.ops[0].outputs[0]].dtype == "float16"
