from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.onnx.integer_ends import integer_ends

SIGNATURE = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 4), "float32"),))


@pytest.mark.torch
def test_a_file_with_integer_ends_computes_what_the_one_with_float_ends_does(
    exported: Callable[[str], Artifact], tmp_path: Path
) -> None:
    source = exported("torch_conv")
    np.savez(tmp_path / "samples.npz", **MODELS["torch_conv"].inputs(8))
    plain, whole = (
        job.convert("quantize_onnx", ConversionRequest(source, tmp_path / f"{p}.onnx", p, tmp_path / "samples.npz"))
        for p in (Precision.INT8, Precision.INT8_IO)
    )
    assert [spec.dtype for spec in (*whole.signature.inputs, *whole.signature.outputs)] == ["int8", "int8"]
    assert whole.signature.inputs[0].scale == pytest.approx(1.0, rel=0.05), "raw pixels"
    assert job.inspect(whole.path, Format.ONNX).signature == whole.signature, "the file says so itself"
    got = [job.run_samples("onnxruntime", one, tmp_path / "samples.npz")["logits"] for one in (plain, whole)]
    np.testing.assert_allclose(got[0], got[1], atol=1e-6)


def graph(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.float32(0.5), "s"), numpy_helper.from_array(np.int8(3), "z")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])


QUANTIZE = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])


def test_an_input_that_is_read_as_float_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'x' cannot be int8: it is not quantized first of all"):
        integer_ends(graph(helper.make_node("Relu", ["x"], ["y"])), SIGNATURE)


def test_an_output_in_float_is_refused() -> None:
    back = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"])
    with pytest.raises(UnsupportedError, match="'y' cannot be int8: it is not dequantized last of all"):
        integer_ends(graph(QUANTIZE, back, helper.make_node("Relu", ["d"], ["y"])), SIGNATURE)


def test_what_is_moved_before_it_is_quantized_and_behind_has_the_grid_of_that() -> None:
    model = graph(
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("QuantizeLinear", ["t", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("Transpose", ["d"], ["y"], perm=[1, 0]),
    )
    made = integer_ends(model, SIGNATURE)
    for spec in (*made.inputs, *made.outputs):
        assert (spec.dtype, spec.scale, spec.zero_point) == ("int8", 0.5, 3)
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    values = np.int8([[-100, 0, 7, 127]])
    assert np.array_equal(session.run(None, {"x": values})[0], values)


def test_what_is_moved_and_read_in_float_is_refused() -> None:
    moved = helper.make_node("Identity", ["x"], ["t"])
    with pytest.raises(UnsupportedError, match="'x' cannot be int8: it is not quantized first of all"):
        integer_ends(graph(moved, helper.make_node("Relu", ["t"], ["y"])), SIGNATURE)
