"""An integer file that keeps the limits of its source is its source, however they are written; other limits are not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits
LOW, HIGH = 0.1, 3.0


def limited(path, *, as_clip):
    """x (1, 6, 12): softplus of a convolution, most of it between two limits that it is held to, and a convolution."""
    rng = np.random.default_rng(0)
    held = {f"k{n}": (rng.normal(size=(8, width, 3)) / 3).astype(np.float32) for n, width in enumerate((6, 8))}
    held |= {"bias": np.ones(8, np.float32), "low": np.float32(LOW), "high": np.float32(HIGH)}
    hold = (
        [("Clip", ["s", "low", "high"], "h")] if as_clip else [("Max", ["s", "low"], "m"), ("Min", ["m", "high"], "h")]
    )
    rows = [("Conv", ["x", "k0", "bias"], "c"), ("Softplus", ["c"], "s"), *hold, ("Conv", ["h", "k1"], "y")]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("x", (1, 6, 12)), ("y", (1, 8, 8)))
    ]
    graph = helper.make_graph(
        [helper.make_node(kind, read, [made]) for kind, read, made in rows],
        "g",
        *ends,
        [numpy_helper.from_array(np.asarray(values), name) for name, values in held.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def integers(folder, precision):
    """The file with a Clip, quantized as `quantize_onnx` does it."""
    path = limited(folder / "clip.onnx", as_clip=True)
    signature = job.inspect(path, Format.ONNX).signature
    np.savez(folder / "s.npz", x=np.random.default_rng(1).normal(size=(32, 1, 6, 12)).astype(np.float32))
    source = Artifact(path, Format.ONNX, Precision.FP32, signature, signature)
    request = ConversionRequest(source, folder / f"{precision}.onnx", precision, folder / "s.npz")
    return job.convert("quantize_onnx", request).path


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT16X8])
@pytest.mark.parametrize("as_clip", [True, False])
def test_limits_are_kept_and_no_fault(precision, as_clip, tmp_path):
    """The quantizer lost the least value; and a maximum on its own was taken for what the file rounds before it."""
    made = integers(tmp_path, precision)
    found = drift(limited(tmp_path / "a.onnx", as_clip=as_clip), made, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("as_clip", [True, False])
@pytest.mark.parametrize("low", [0.05, 0.13])
def test_another_least_value_is_a_fault(low, as_clip, tmp_path):
    made = integers(tmp_path, Precision.INT8)
    model = onnx.load(made)
    (clip,) = (node for node in model.graph.node if node.op_type == "Clip")
    (end,) = (tensor for tensor in model.graph.initializer if tensor.name == clip.input[1])
    end.CopyFrom(numpy_helper.from_array(np.float32(low), end.name))
    onnx.save(model, made)
    found = drift(limited(tmp_path / "a.onnx", as_clip=as_clip), made, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type in ("Clip", "DequantizeLinear")  # right before it: of a Max and a Min it is one
