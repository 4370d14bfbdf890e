"""Functions of one number by others: against ONNX Runtime over the whole of their domain."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_nodes import kinds, model_of, normal, replaced

WIDE = np.linspace(-6, 6, 240, dtype=np.float32).reshape(3, 80)
UNIT = np.linspace(-1, 1, 240, dtype=np.float32).reshape(3, 80)
ONE = {
    "Atan": np.concatenate([WIDE, 1e4 * WIDE]),
    "Asinh": WIDE,
    "Cosh": WIDE,
    "Erf": WIDE,
    "IsNaN": np.array([[1, np.nan, np.inf, 0]], np.float32),
    "Sign": WIDE,
    "Sinh": WIDE,
    "Softplus": 20 * WIDE,
    "Softsign": WIDE,
    "Tan": UNIT,
    "Acos": UNIT,
    "Asin": UNIT,
    "Atanh": 0.99 * UNIT,
    "Acosh": np.abs(WIDE) + 1,
    "HardSwish": WIDE,
}


@pytest.mark.parametrize("kind", ONE)
def test_a_function_of_one_number(kind, tmp_path):
    x = ONE[kind].astype(np.float32)
    made = replaced(tmp_path, model_of(kind, x), x)
    assert kind not in kinds(made)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("Celu", {"alpha": 1.7}),
        ("Elu", {"alpha": 0.6}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        ("LeakyRelu", {"alpha": 0.2}),
        ("Selu", {}),
        ("Selu", {"alpha": 1.1, "gamma": 2.0}),
        ("Shrink", {"lambd": 1.2, "bias": 0.3}),
        ("ThresholdedRelu", {"alpha": 0.8}),
        ("IsInf", {"detect_negative": 0}),
        ("IsInf", {"detect_positive": 0}),
        ("IsInf", {}),
    ],
)
def test_attributes_are_heeded(kind, attributes, tmp_path):
    x = normal(3, 5)
    if kind == "IsInf":
        x[0, :3] = np.inf, -np.inf, np.finfo(np.float32).max
    replaced(tmp_path, model_of(kind, x, **attributes), x)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", ["Max", "Min", "Mean", "Sum"])
def test_several_tensors_become_pairs(kind, count, tmp_path):
    x = normal(2, 3)
    others = {f"c{place}": normal(3) for place in range(count - 1)}
    made = replaced(tmp_path, model_of(kind, x, others), x)
    assert all(len(node.input) <= 2 for node in made.model.graph.node)


def test_limits_and_slopes(tmp_path):
    x = normal(2, 3, 4)
    replaced(tmp_path, model_of("Clip", x, {"low": np.float32(-0.5), "high": np.float32(0.7)}), x)
    only_high = model_of("Clip", x, {"high": np.float32(0.7)}, order=("x", "", "high"))
    replaced(tmp_path, only_high, x)
    replaced(tmp_path, model_of("PRelu", x, {"slope": normal(3, 1)}), x)


def test_remainders_are_cut_off_only_for_fmod(tmp_path):
    x = 5 * normal(2, 6)
    replaced(tmp_path, model_of("Mod", x, {"b": np.array([1.5, -2, 3, -0.7, 2, 5], np.float32)}, fmod=1), x)


def test_a_remainder_of_integers_stays(tmp_path):
    import onnx

    from converters.onnx.prepass.rules import rules_without
    from converters.onnx.prepass.run import prepare

    x = np.arange(6, dtype=np.int64)
    onnx.save(model_of("Mod", x, {"b": np.array(4, np.int64)}), tmp_path / "m.onnx")
    made = prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}])
    assert not made.replaced
    assert "it is of integers" in made.refused[0]
