"""Weights in 16 bits behind a Cast are the float file's, rounded; with more than rounding in them they are not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper
from run_time_files import floats

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


def halved(right, path, name="", fault=None):
    """The float file with its kernels in float16, each behind a Cast; `fault` is done to the one called `name`."""
    model = onnx.load(right)
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim > 1:
            kept = fault(values) if fault is not None and tensor.name == name else values
            casts.append(helper.make_node("Cast", [f"{tensor.name} half"], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(kept.astype(np.float16), f"{tensor.name} half"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)
    return path


def test_an_honest_file_passes(tmp_path):
    right = floats(tmp_path / "right.onnx")
    found = drift(right, halved(right, tmp_path / "half.onnx"), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage["proved_a"] == 1


@pytest.mark.parametrize(
    ("name", "fault", "layer"),
    [
        ("w", lambda v: v * np.float32(1.01), "MatMul"),
        ("l", lambda v: v * np.float32(1.01), "Conv"),
        ("k", lambda v: v + np.float32(2e-3) * np.random.default_rng(0).normal(size=v.shape), "Conv"),
    ],
)
def test_more_than_rounding_fails_in_its_layer(tmp_path, name, fault, layer):
    right = floats(tmp_path / "right.onnx")
    found = drift(right, halved(right, tmp_path / "half.onnx", name, fault), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, layer)


def test_padding_on_its_own_is_no_fault_beside_the_same_halves(tmp_path):
    right = halved(floats(tmp_path / "float.onnx"), tmp_path / "right.onnx")
    model = onnx.load(right)
    place, conv = next((n, node) for n, node in enumerate(model.graph.node) if node.op_type == "Conv")
    (pads,) = (entry for entry in conv.attribute if entry.name == "pads")
    sizes = list(pads.ints)
    wide = [0, 0, *sizes[: len(sizes) // 2], 0, 0, *sizes[len(sizes) // 2 :]]
    model.graph.initializer.append(numpy_helper.from_array(np.array(wide), "wide"))
    model.graph.node.insert(place, helper.make_node("Pad", [conv.input[0], "wide"], ["padded"]))
    conv.input[0] = "padded"
    pads.ints[:] = [0] * len(sizes)
    onnx.save(model, tmp_path / "apart.onnx")
    found = drift(right, tmp_path / "apart.onnx", "", InProcess(), LIMITS)
    assert sum(sizes) > 0
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
