"""Integer arithmetic by float32: not one step may be another."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_nodes import kinds, model_of, normal, replaced


def _bytes(*shape: int, signed: bool = False) -> np.ndarray:
    low, kind = (-128, np.int8) if signed else (0, np.uint8)
    return np.random.default_rng(1).integers(low, low + 256, shape).astype(kind)


@pytest.mark.parametrize("signed", [False, True])
def test_to_and_from_integers(signed, tmp_path):
    x, zero = 3 * normal(2, 3, 4), np.array([3, 0, 7]).astype(np.int8 if signed else np.uint8)
    scales = np.array([0.02, 0.1, 0.05], np.float32)
    made = replaced(tmp_path, model_of("QuantizeLinear", x, {"s": scales, "z": zero}, axis=1), x, near=0)
    assert "QuantizeLinear" not in kinds(made)
    stored = _bytes(2, 3, 4, signed=signed)
    replaced(tmp_path, model_of("DequantizeLinear", stored, {"s": scales, "z": zero}, axis=1), stored)
    replaced(tmp_path, model_of("DequantizeLinear", stored, {"s": scales[0]}), stored)


def test_a_product(tmp_path):
    x = _bytes(3, 4)
    constants = {
        "xs": np.float32(0.02),
        "xz": np.uint8(7),
        "w": _bytes(4, 5),
        "ws": np.float32(0.03),
        "wz": np.uint8(100),
        "ys": np.float32(0.4),
        "yz": np.uint8(90),
    }
    constants = {key: np.asarray(value) for key, value in constants.items()}
    replaced(tmp_path, model_of("QLinearMatMul", x, constants), x, near=0)


def test_a_convolution(tmp_path):
    x = _bytes(1, 2, 5, 5)
    constants = {
        "xs": np.float32(0.02),
        "xz": np.uint8(7),
        "w": _bytes(3, 2, 3, 3, signed=True),
        "ws": np.array([0.01, 0.02, 0.03], np.float32),
        "wz": np.zeros(3, np.int8),
        "ys": np.float32(0.3),
        "yz": np.uint8(90),
        "b": np.array([100, -200, 300], np.int32),
    }
    constants = {key: np.asarray(value) for key, value in constants.items()}
    replaced(tmp_path, model_of("QLinearConv", x, constants, pads=[1, 1, 1, 1]), x, near=0)


def test_sums_of_integers(tmp_path):
    x = _bytes(3, 4)
    constants = {"w": _bytes(4, 5), "xz": np.array(3, np.uint8), "wz": np.array(9, np.uint8)}
    replaced(tmp_path, model_of("MatMulInteger", x, constants), x, near=0)
    x = _bytes(1, 2, 5, 5)
    replaced(tmp_path, model_of("ConvInteger", x, {"w": _bytes(3, 2, 3, 3), "xz": np.array(3, np.uint8)}), x, near=0)


def test_the_range_of_the_tensor_itself(tmp_path):
    x = 3 * normal(4, 6)
    replaced(tmp_path, model_of("DynamicQuantizeLinear", x, outputs=3), x)
