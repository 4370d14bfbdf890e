from __future__ import annotations

import numpy as np
import pytest
from tiny_models import MODELS

from converters import source
from converters.errors import ModelError, UnsupportedError

pytestmark = pytest.mark.torch


def calls(model, n=2):
    stacked = model.inputs(n)
    return [{name: values[place] for name, values in stacked.items()} for place in range(n)]


def check_outputs(artifact, tracer, samples):
    found = tracer.trace(samples, tracer.graph.outputs)
    loaded = source.load(artifact)
    for place, sample in enumerate(samples):
        want = source.call(loaded, sample, artifact.source)
        for name, index in zip(tracer.graph.output_names, tracer.graph.outputs, strict=True):
            np.testing.assert_allclose(found[index][place], want[name], rtol=1e-4, atol=1e-4)


def test_portable_operators_show_their_values_and_run_alone(tmp_path):
    from converters import job
    from converters.contract import ConversionRequest, Precision
    from converters.executorch import tracer

    model = MODELS["torch_conv"]
    origin = model.source(tmp_path)
    request = ConversionRequest(origin, tmp_path / "m.pte", Precision.FP32)
    made = job.convert("executorch_portable_from_torch", request)
    found = tracer.open(made)
    samples = calls(model)
    check_outputs(origin, found, samples)
    tensors = found.graph.tensors
    stem = next(op for op in found.graph.ops if op.type == "aten.convolution")
    assert stem.attributes["stride"] == (2, 2)
    assert stem.attributes["transposed"] is False
    values = found.trace(samples, [i for op in found.graph.ops for i in (*op.inputs, *op.outputs) if i >= 0])
    alone = 0
    for op in found.graph.ops:
        read = [index for index in op.inputs if not tensors[index].constant]
        shown = [index for index in op.outputs if index in values]
        again = found.run({index: values[index] for index in read}, shown)
        for index in shown:
            np.testing.assert_allclose(again[index], values[index], rtol=1e-4, atol=1e-4)
        alone += bool(shown)
    assert alone == len(found.graph.ops) >= 7
    assert all(tensors[index].constant for op in found.graph.ops for index in op.inputs if index not in values)


def test_a_delegate_shows_its_ends_and_holds_its_weights(tmp_path):
    from converters import job
    from converters.contract import ConversionRequest, Precision
    from converters.executorch import tracer

    model = MODELS["torch_conv"]
    origin = model.source(tmp_path)
    made = job.convert("executorch_xnnpack_from_torch", ConversionRequest(origin, tmp_path / "m.pte", Precision.FP32))
    found = tracer.open(made)
    samples = calls(model)
    check_outputs(origin, found, samples)
    convolutions = [op for op in found.graph.ops if "Conv" in op.type]
    assert len(convolutions) == 2
    weights = [found.graph.tensors[convolutions[0].inputs[1]], found.graph.tensors[convolutions[1].inputs[1]]]
    assert all(weight.constant for weight in weights)
    assert sorted(weights[0].shape) == [3, 3, 3, 8]
    values = found.trace(samples, [*found.graph.inputs, *convolutions[0].outputs])
    assert set(values) == set(found.graph.inputs)
    again = found.run(values, found.graph.outputs)
    np.testing.assert_array_equal(
        again[found.graph.outputs[0]], found.trace(samples, found.graph.outputs)[found.graph.outputs[0]]
    )
    with pytest.raises(UnsupportedError, match="lies inside a delegate"):
        found.run(values, convolutions[0].outputs)


def test_a_file_that_is_none_is_a_model_error(tmp_path):
    from converters.contract import Artifact, Format, Precision, Signature
    from converters.executorch import tracer

    (tmp_path / "m.pte").write_bytes(b"no program")
    nothing = Signature((), ())
    with pytest.raises(ModelError):
        tracer.open(Artifact(tmp_path / "m.pte", Format.EXECUTORCH, Precision.FP32, nothing, nothing))
