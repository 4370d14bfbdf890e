"""Convolutions of one dimension, transposed ones with every kind of border, products and determinants."""

from __future__ import annotations

import onnx
import pytest
from onnx_nodes import kinds, model_of, normal, replaced

from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import prepare


@pytest.mark.parametrize("form", [{}, {"pads": [2, 1], "strides": [2]}, {"dilations": [2], "group": 2}], ids=str)
def test_a_line_is_an_image_of_height_1(form, tmp_path):
    x = normal(2, 4, 9)
    weights = normal(6, 4 // form.get("group", 1), 3)
    made = replaced(tmp_path, model_of("Conv", x, {"w": weights, "b": normal(6)}, **form), x)
    assert kinds(made) >= {"Conv"}


@pytest.mark.parametrize(
    "form",
    [
        {"strides": [2], "pads": [1, 0]},
        {"strides": [2, 3], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"strides": [3, 2], "output_shape": [10, 8]},
        {"strides": [3, 2], "output_shape": [10, 8], "output_padding": [1, 1]},
        {"dilations": [2, 2]},
    ],
    ids=str,
)
def test_transposed_ones(form, tmp_path):
    spatial = len(next(iter(value for value in form.values() if isinstance(value, list))))
    spatial = 1 if form.get("pads") else spatial
    x, w = normal(1, 2, *(3, 3)[:spatial]), normal(2, 3, *(3, 3)[:spatial])
    replaced(tmp_path, model_of("ConvTranspose", x, {"w": w}, **form), x)


@pytest.mark.parametrize(
    "form", [{}, {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 0.25}, {"transB": 1, "beta": 2.0}], ids=str
)
def test_a_product_scaled_and_added_to(form, tmp_path):
    x = normal(4, 3) if form.get("transA") else normal(3, 4)
    w = normal(5, 4) if form.get("transB") else normal(4, 5)
    replaced(tmp_path, model_of("Gemm", x, {"w": w, "c": normal(5)}, **form), x)
    replaced(tmp_path, model_of("Gemm", x, {"w": w}, **form), x)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (2, 4, 4)], ids=str)
def test_determinants(shape, tmp_path):
    x = normal(*shape)
    replaced(tmp_path, model_of("Det", x), x, near=1e-4)


def test_a_large_determinant_stays(tmp_path):
    x = normal(5, 5)
    onnx.save(model_of("Det", x), tmp_path / "m.onnx")
    made = prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}])
    assert not made.replaced
    assert "too long" in made.refused[0]


@pytest.mark.parametrize(
    ("equation", "other"),
    [
        ("ij->ji", None),
        ("ijk->ik", None),
        ("ijk,kl->ijl", (4, 5)),
        ("bij,bjk->bik", (2, 4, 5)),
        ("ijk,ilk->ljk", (2, 6, 4)),
    ],
)
def test_einsum(equation, other, tmp_path):
    x = normal(2, 3, 4) if equation.startswith(("ijk", "bij")) else normal(3, 4)
    constants = {} if other is None else {"b": normal(*other)}
    made = replaced(tmp_path, model_of("Einsum", x, constants, equation=equation), x)
    assert "Einsum" not in kinds(made)
