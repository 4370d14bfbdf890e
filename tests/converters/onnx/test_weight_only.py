from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import UnsupportedError
from converters.onnx.weight_only import in_opset, with_small_weights

RNG = np.random.default_rng(0)


def model(opset: int = 18, columns: int = 6) -> onnx.ModelProto:
    """x (1, 3, 8, 8) -> Conv 4 -> Flatten -> MatMul (256, columns) -> y; channels differ by a factor of 50."""
    kernel = (RNG.normal(size=(4, 3, 3, 3)) * np.array([1, 50, 3, 0.1]).reshape(4, 1, 1, 1)).astype(np.float32)
    matrix = RNG.normal(size=(256, columns)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "kernel"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Flatten", ["c"], ["f"]),
            helper.make_node("MatMul", ["f", "matrix"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, columns])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(made: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(made, full_check=True)
    return onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0]


@pytest.mark.parametrize(("bits", "bound"), [(8, 0.02), (4, 0.3)])
@pytest.mark.parametrize("columns", [6, 7], ids=["even", "an odd number of values"])
def test_the_weights_are_as_small_as_said_and_compute_the_same(bits: int, bound: float, columns: int) -> None:
    source = model(columns=columns)
    x = RNG.normal(size=(1, 3, 8, 8)).astype(np.float32)
    wanted = run(source, x)
    made = with_small_weights(source, bits, frozenset())
    types = {t.name: t.data_type for t in made.graph.initializer if not t.name.endswith("_scale")}
    assert set(types.values()) == {TensorProto.INT8 if bits == 8 else TensorProto.INT4}
    assert 0 < np.abs(run(made, x) - wanted).max() < bound * np.ptp(wanted)
    assert sum(len(t.raw_data) for t in made.graph.initializer if t.name.endswith(f"_int{bits}")) == pytest.approx(
        (108 + 256 * columns) * bits / 8, abs=1
    )


def test_each_channel_has_a_scale_of_its_own() -> None:
    made = with_small_weights(model(), 4, frozenset())
    scales = {t.name: tuple(t.dims) for t in made.graph.initializer if t.name.endswith("_scale")}
    assert scales == {"kernel_scale": (4,), "matrix_scale": (6,)}
    assert next(e.version for e in made.opset_import) == 21, "4 bits came with opset 21"


def recurrent() -> onnx.ModelProto:
    """x (5, 1, 6) -> GRU of 8, the gates of whose second matrix are put into another order on the way."""
    first, second = (RNG.normal(size=size).astype(np.float32) * 0.3 for size in ((1, 24, 6), (24, 8)))
    at = {name: np.array([value], np.int64) for name, value in (("zero", 0), ("eight", 8), ("end", 24))}
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["r", "zero", "eight", "zero"], ["head"]),
            helper.make_node("Slice", ["r", "eight", "end", "zero"], ["tail"]),
            helper.make_node("Concat", ["tail", "head"], ["turned"], axis=0),
            helper.make_node("Unsqueeze", ["turned", "zero"], ["R"]),
            helper.make_node("GRU", ["x", "W", "R"], ["", "y"], hidden_size=8),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, 1, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 8])],
        [numpy_helper.from_array(first, "W"), numpy_helper.from_array(second, "r")]
        + [numpy_helper.from_array(value, name) for name, value in at.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.mark.parametrize(("bits", "bound"), [(8, 0.02), (4, 0.3)])
def test_matrices_of_recurrent_layers_are_small_too_and_those_put_together(bits: int, bound: float) -> None:
    source, x = recurrent(), RNG.normal(size=(5, 1, 6)).astype(np.float32)
    wanted = run(source, x)
    made = with_small_weights(source, bits, frozenset())
    small = {t.name for t in made.graph.initializer if t.name.endswith(f"_int{bits}")}
    assert small == {f"W_int{bits}", f"r_int{bits}"}
    assert {t.dims[0] for t in made.graph.initializer if t.name.endswith("_scale")} == {24}
    assert 0 < np.abs(run(made, x) - wanted).max() < bound * np.ptp(wanted)


def test_what_is_kept_stays_as_it_is() -> None:
    made = with_small_weights(model(), 8, frozenset({"c"}))
    types = {t.name: t.data_type for t in made.graph.initializer}
    assert types["kernel"] == TensorProto.FLOAT
    assert types["matrix_int8"] == TensorProto.INT8


def test_nothing_large_enough_is_refused() -> None:
    source = model()
    source.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "kernel"))
    with pytest.raises(UnsupportedError, match="no weight has 64 values"):
        with_small_weights(source, 8, frozenset({"y"}))


@pytest.mark.parametrize(("shape", "axis"), [((None, 4), 1), ((2, 3, 4), 2), ((2, 3, 4), -1)])
def test_a_softmax_over_the_last_axis_is_told_in_a_new_opset_as_it_was(shape, axis) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Softmax", ["r"], ["y"], axis=axis)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    made = in_opset(old, 21)
    assert [node.op_type for node in made.graph.node] == ["Relu", "Softmax"]
    assert [item.i for item in made.graph.node[1].attribute] == [axis]
    x = RNG.normal(size=[size or 2 for size in shape]).astype(np.float32)
    assert np.allclose(run(old, x), run(made, x), atol=1e-6)


def test_a_softmax_whose_input_has_no_known_shape_is_told_by_the_output_behind_it() -> None:
    def value(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["r"]),
        helper.make_node("Softmax", ["r"], ["s"]),
        helper.make_node("Identity", ["s"], ["y"]),
    ]
    inputs = [value("x", TensorProto.FLOAT, [2, 4]), value("shape", TensorProto.INT64, [None])]
    graph = helper.make_graph(nodes, "net", inputs, [value("y", TensorProto.FLOAT, [None, 4])])
    made = in_opset(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8), 21)
    assert [node.op_type for node in made.graph.node] == ["Reshape", "Softmax", "Identity"]


def test_a_softmax_over_several_axes_computes_the_same_in_a_new_opset() -> None:
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["x"], ["y"], axis=1)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3, 4])],
    )
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    x = RNG.normal(size=[2, 3, 4]).astype(np.float32)
    assert np.allclose(run(old, x), run(in_opset(old, 21), x), atol=1e-6)
