"""An .onnx file that rounds its inputs as it runs is the float one, layer by layer; with one fault in it it is not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import helper, numpy_helper
from run_time_files import floats, rounding

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


@pytest.fixture(scope="module", params=[False, True], ids=["one scale", "one a channel"])
def pair(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dynamic")
    right = floats(folder / "right.onnx")
    return right, rounding(folder / "dynamic.onnx", right, request.param)


def flipped(values):
    """The sign of one output channel."""
    values[..., 1] = -np.clip(values[..., 1].astype(int), -127, 127)
    return values


FAULTS = {
    "a column's sign": ("w_quantized", flipped, "MatMulInteger"),
    "channels exchanged": ("l_quantized", lambda v: v[[1, 0, *range(2, len(v))]], "ConvInteger"),
    "one weight three steps off": ("k_quantized", lambda v: v - 3 * (np.arange(v.size) == 100).reshape(v.shape), None),
    "weights' scale off by 2 %": ("l_scale", lambda v: v * 1.02, None),
    "a zero point off by one": ("l_zero_point", lambda v: v + 1, "ConvInteger"),
    "bias shifted by one channel": ("kb", lambda v: np.roll(v, 1), None),
    "bias off by 1 %": ("b", lambda v: v * 1.01, "Add"),
}


def test_an_honest_file_passes_and_every_layer_is_proved(pair):
    found = drift(*pair, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage["proved_a"] == found.coverage["proved_b"] == 1
    assert found.coverage["weights_compared"] == 1


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_it_fails(pair, tmp_path, name):
    right, honest = pair
    held, fault, layer = FAULTS[name]
    model = onnx.load(honest)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == held)
    values = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(fault(values.copy()).astype(values.dtype), held))
    onnx.save(model, tmp_path / "wrong.onnx")
    found = drift(right, tmp_path / "wrong.onnx", "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert layer in (None, found.suspects[0].b.op_type)


def held_by_nodes(path, target):
    """The file with its constants in nodes: the quantizer takes them for values, and has them rounded as it runs."""
    model = onnx.load(path)
    nodes = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in model.graph.initializer]
    nodes += model.graph.node
    for node in nodes:
        del node.input[2:]  # it wants the kernels of convolutions with a bias as initializers
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return target


def test_weights_that_are_rounded_as_the_file_runs_are_the_references(tmp_path):
    right = held_by_nodes(floats(tmp_path / "plain.onnx"), tmp_path / "right.onnx")
    honest = rounding(tmp_path / "dynamic.onnx", right)
    model = onnx.load(honest)
    assert sum(node.op_type == "DynamicQuantizeLinear" for node in model.graph.node) > 3
    found = drift(right, honest, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage["proved_a"] == found.coverage["weights_compared"] == 1
    kernel = next(node for node in model.graph.node if node.output[0] == "l").attribute[0].t
    kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel)[[1, 0, *range(2, 12)]], "l"))
    onnx.save(model, tmp_path / "wrong.onnx")
    found = drift(right, tmp_path / "wrong.onnx", "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "ConvInteger")
