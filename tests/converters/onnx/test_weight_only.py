from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import UnsupportedError
from converters.onnx.weight_only import with_small_weights

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
