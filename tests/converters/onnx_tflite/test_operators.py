"""Elementwise operators, each against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
from lowered_models import agrees
from onnx_nodes import normal

from converters.errors import UnsupportedError

X = normal(2, 3, 4)


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "Abs",
            "Atan",
            "Ceil",
            "Cos",
            "Exp",
            "Floor",
            "HardSwish",
            "IsNaN",
            "Neg",
            "Relu",
            "Round",
            "Sigmoid",
            "Sign",
        ),
        *("Sin", "Tanh", "Reciprocal"),
    ],
)
def test_one_number_at_a_time(kind):
    agrees(kind, X)


@pytest.mark.parametrize("kind", ["Log", "Sqrt"])
def test_positive_numbers(kind):
    agrees(kind, np.abs(X) + 0.1)


@pytest.mark.parametrize(
    ("kind", "form"),
    [("Elu", {"alpha": 0.4}), ("Elu", {}), ("LeakyRelu", {"alpha": 0.3}), ("Gelu", {"opset": 20}), ("Cast", {"to": 6})],
)
def test_attributes(kind, form):
    agrees(kind, X, **form)


@pytest.mark.parametrize("kind", ["Add", "Div", "Max", "Min", "Mul", "Sub", "Greater", "LessOrEqual", "PRelu"])
def test_two_tensors(kind):
    agrees(kind, X, {"b": normal(3, 1)})


def test_integers():
    whole = np.array([[7, -7, 9]], np.int32)
    agrees("Div", whole, {"b": np.array([2, 2, -4], np.int32)})
    agrees("Mod", whole, {"b": np.array([4, 4, 4], np.int32)})
    narrow = np.array([[7, 5, 9]], np.uint8)
    agrees("Add", narrow, {"b": np.array([2, 2, 4], np.uint8)})
    agrees("Pow", whole, {"b": np.array(2.0, np.float32)})
    with pytest.raises(UnsupportedError, match="cut off is not there for integers"):
        agrees("Mod", whole, {"b": np.array([4, 4, 4], np.int32)}, fmod=1)


def test_limits_that_have_an_operator_of_their_own():
    low, high = np.float32(0), np.float32(6)
    assert agrees("Clip", 4 * X, {"low": low, "high": high}) in (["RELU6"], ["RELU6", "DELEGATE"])
    agrees("Clip", X, {"low": np.float32(-0.3), "high": np.float32(0.2)})
    agrees("Clip", X, {"high": np.float32(0.2)}, order=("x", "", "high"))


def test_a_choice():
    agrees("Where", X, {"c": X > 0, "b": normal(4)}, order=("c", "x", "b"))
