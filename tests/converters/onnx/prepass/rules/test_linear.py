"""What is affine in what it reads becomes a matrix that ONNX Runtime is asked for."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx_nodes import kinds, model_of, normal, replaced

from converters.onnx.prepass.rules import linear, rules_without
from converters.onnx.prepass.run import prepare

MODES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("factors", [(2.0, 1.6), (0.6, 0.5)], ids=str)
def test_resizing(kind, mode, factors, tmp_path):
    x = normal(1, 2, 5, 6)
    constants = {"f": np.array([1, 1, *factors], np.float32)}
    form = {"mode": kind, "coordinate_transformation_mode": mode}
    made = replaced(tmp_path, model_of("Resize", x, constants, order=("x", "", "f"), **form), x)
    assert kinds(made) <= {"Gather", "MatMul", "Transpose", "Identity"}


def test_resizing_to_sizes_with_every_choice(tmp_path):
    x = normal(1, 1, 5, 7)
    constants = {"s": np.array([1, 1, 3, 9])}
    form = {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1}
    replaced(tmp_path, model_of("Resize", x, constants, order=("x", "", "", "s"), **form), x)
    constants = {"s": np.array([3, 9])}
    form = {"mode": "linear", "axes": [2, 3], "keep_aspect_ratio_policy": "not_larger", "antialias": 1}
    replaced(tmp_path, model_of("Resize", x, constants, order=("x", "", "", "s"), opset=18, **form), x)
    constants = {"roi": np.array([0, 0, 0.2, 0.1, 1, 1, 0.8, 1.3], np.float32), "s": np.array([1, 1, 4, 4])}
    form = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 3.0}
    replaced(tmp_path, model_of("Resize", x, constants, order=("x", "roi", "", "s"), **form), x)


@pytest.mark.parametrize("form", [{}, {"exclusive": 1}, {"reverse": 1}, {"reverse": 1, "exclusive": 1}], ids=str)
def test_running_sums(form, tmp_path):
    x = normal(2, 5, 3)
    replaced(tmp_path, model_of("CumSum", x, {"axis": np.array(1)}, **form), x)


def test_sampling_a_grid_and_regions(tmp_path):
    x = normal(1, 2, 4, 5)
    replaced(tmp_path, model_of("GridSample", x, {"g": normal(1, 3, 3, 2).clip(-1.2, 1.2)}, mode="bilinear"), x)
    regions = {"r": np.array([[0, 0, 3, 3], [1, 0, 4, 2]], np.float32), "i": np.array([0, 0])}
    form = {"output_height": 2, "output_width": 2, "sampling_ratio": 2}
    replaced(tmp_path, model_of("RoiAlign", x, regions, **form), x)


def test_a_maximum_is_not_affine_and_stays(tmp_path):
    x = normal(1, 1, 5, 5)
    regions = {"r": np.array([[0, 0, 4, 4]], np.float32), "i": np.array([0])}
    onnx.save(model_of("RoiAlign", x, regions, mode="max", output_height=2, output_width=2), tmp_path / "m.onnx")
    made = prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}])
    assert not made.replaced
    assert "values differ" in made.refused[0]


def test_a_large_matrix_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(linear, "MOST_INPUTS", 8)
    x = normal(1, 1, 4, 5)
    onnx.save(model_of("GridSample", x, {"g": normal(1, 3, 3, 2)}), tmp_path / "m.onnx")
    made = prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}])
    assert not made.replaced
    assert "too large" in made.refused[0]
