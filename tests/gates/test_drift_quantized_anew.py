"""Two integer files of one model by other settings of a quantizer are the same model; one fault in them is not."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime.quantization as quantizing
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


def layers(path, *, turned=False):
    """x (1, 4, 8, 8): five convolutions, of channels of unlike sizes, each with a relu behind it."""
    rng = np.random.default_rng(1)
    kernels = [rng.normal(size=(4, 4, 3, 3)) * np.array([1, 0.3, 2, 0.7]).reshape(4, 1, 1, 1) / 4 for _ in range(5)]
    if turned:
        kernels[2] = kernels[2].swapaxes(2, 3)
    held = [numpy_helper.from_array(kernel.astype(np.float32), f"k{n}") for n, kernel in enumerate(kernels)]
    nodes, name = [], "x"
    for n in range(5):
        nodes += [helper.make_node("Conv", [name, f"k{n}"], [f"c{n}"], pads=[1, 1, 1, 1])]
        nodes += [helper.make_node("Relu", [f"c{n}"], [f"r{n}"])]
        name = f"r{n}"
    ends = [[helper.make_tensor_value_info(end, TensorProto.FLOAT, [1, 4, 8, 8])] for end in ("x", name)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", *ends, held), ir_version=8), path)
    model = onnx.load(path)
    model.opset_import[0].version = 17
    onnx.save(model, path)
    return path


class Noise(quantizing.CalibrationDataReader):
    def __init__(self, seed):
        self.rows = iter(np.random.default_rng(seed).normal(size=(16, 1, 4, 8, 8)).astype(np.float32))

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"x": row}


def integers(path, source, *, per_channel, seed=0):
    kinds = {"activation_type": quantizing.QuantType.QInt8, "weight_type": quantizing.QuantType.QInt8}
    quantizing.quantize_static(source, path, Noise(seed), per_channel=per_channel, **kinds)
    return path


@pytest.mark.parametrize("seed", [0, 1])
def test_a_scale_a_channel_and_a_scale_for_all_are_one_model(tmp_path, seed):
    """`drift` compared stored integers of unlike grids, and FAILED every such pair."""
    source = layers(tmp_path / "m.onnx")
    one = integers(tmp_path / "a.onnx", source, per_channel=True)
    two = integers(tmp_path / "b.onnx", source, per_channel=False, seed=seed)
    for right, other in ((one, two), (two, one)):
        found = drift(right, other, "", InProcess(), LIMITS)
        assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def test_a_kernel_turned_before_is_a_fault(tmp_path):
    one = integers(tmp_path / "a.onnx", layers(tmp_path / "m.onnx"), per_channel=True)
    two = integers(tmp_path / "b.onnx", layers(tmp_path / "n.onnx", turned=True), per_channel=False)
    found = drift(one, two, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type == "Conv"


def test_a_scale_of_weights_that_is_a_tenth_off_is_a_fault(tmp_path):
    source = layers(tmp_path / "m.onnx")
    one = integers(tmp_path / "a.onnx", source, per_channel=True)
    model = onnx.load(integers(tmp_path / "b.onnx", source, per_channel=False))
    (scale,) = (tensor for tensor in model.graph.initializer if tensor.name == "k3_scale")
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * np.float32(1.1), scale.name))
    onnx.save(model, tmp_path / "b.onnx")
    assert drift(one, tmp_path / "b.onnx", "", InProcess(), LIMITS).outcome is Outcome.FAILED
