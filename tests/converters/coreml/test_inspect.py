"""What a package says of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mil_files import WEIGHT, MilOp, saved, write

from converters import job
from converters.contract import Format
from converters.coreml.inspect import inspect
from converters.errors import ModelError


def test_tensors_operators_and_signature(tmp_path: Path) -> None:
    found = inspect(saved(tmp_path / "m.mlpackage"))
    assert [op.type for op in found.ops] == ["linear", "leaky_relu", "mul"]
    constant = {tensor.name: tensor for tensor in found.tensors if tensor.constant}
    weight = constant["inner_weight_0"]
    assert (weight.dtype, weight.shape, weight.size_bytes, weight.finite) == ("float32", (4, 3), 48, True)
    assert (found.signature.inputs[0].name, found.signature.outputs[0].shape) == ("x", (2, 4))
    assert found.metadata["opset"] == "CoreML7"
    assert job.inspect(tmp_path / "m.mlpackage", Format.COREML) == found


def test_weights_that_are_no_numbers_are_seen(tmp_path: Path) -> None:
    broken = WEIGHT.copy()
    broken[1, 2] = np.nan
    found = inspect(saved(tmp_path / "m.mlpackage", weight=broken))
    assert [tensor.name for tensor in found.tensors if not tensor.finite] == ["inner_weight_0"]


def test_compressed_weights_are_of_the_type_that_they_are_stored_in(tmp_path: Path) -> None:
    stored, scale = np.ones((4, 3), np.int8), np.ones(4, np.float32)
    affine = {
        "quantized_data": (stored, "int8"),
        "scale": scale,
        "zero_point": (np.zeros(4, np.int8), "int8"),
        "axis": 0,
    }
    packed = np.zeros(6, np.uint8)
    palette = {"indices": (packed, "uint8"), "lut": np.zeros(16, np.float32), "shape": np.array([4, 3], np.uint32)}
    ops = [
        MilOp("constexpr_affine_dequantize", {}, [("a", "float32", (4, 3))], attributes=affine),
        MilOp("constexpr_lut_to_dense", {}, [("b", "float32", (4, 3))], attributes=palette),
        MilOp("add", {"x": "a", "y": "b"}, [("w", "float32", (4, 3))]),
        MilOp("matmul", {"x": "x", "y": "w", "transpose_y": True}, [("y", "float32", (2, 4))]),
    ]
    found = inspect(write(tmp_path / "m.mlpackage", ops))
    by_name = {tensor.name: tensor for tensor in found.tensors}
    assert (by_name["a/quantized_data"].dtype, by_name["a/quantized_data"].scales) == ("int8", 4)
    indices = by_name["b/indices"]
    assert (indices.dtype, indices.shape, indices.size_bytes, indices.scales) == ("uint4", (4, 3), 6, 16)
    assert found.tensors[found.ops[0].inputs[0]].name == "a/quantized_data", "the values come first"


def test_truncated_weights_are_told_with_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.mlpackage")
    weights = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    weights.write_bytes(weights.read_bytes()[:150])
    with pytest.raises(
        ModelError, match="m.mlpackage is damaged: weight.bin is truncated: values end at byte 176 of 150"
    ):
        inspect(path)
    with pytest.raises(ModelError, match="there is no file"):
        job.inspect(tmp_path / "none.mlpackage", Format.COREML)
