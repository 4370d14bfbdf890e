from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tiny_models import MODELS

from converters import source
from converters.errors import UnsupportedError

pytestmark = pytest.mark.torch

NAMES = ("torch_conv", "torch_two_in_two_out", "torch_mixed")


@pytest.fixture(params=NAMES)
def traced(request, tmp_path):
    from converters.torch_export import tracer

    model = MODELS[request.param]
    artifact = model.source(tmp_path)
    return model, artifact, tracer.open(artifact)


def samples(model, n=3):
    stacked = model.inputs(n)
    return [{name: values[place] for name, values in stacked.items()} for place in range(n)]


def test_outputs_are_those_of_the_framework_bit_for_bit(traced):
    model, artifact, tracer = traced
    calls = samples(model)
    found = tracer.trace(calls, tracer.graph.outputs)
    loaded = source.load(artifact)
    assert set(tracer.graph.output_names) == {spec.name for spec in artifact.signature.outputs}
    for place, call in enumerate(calls):
        want = source.call(loaded, call, artifact.signature)
        for name, index in zip(tracer.graph.output_names, tracer.graph.outputs, strict=True):
            np.testing.assert_array_equal(found[index][place], want[name])


def test_each_operator_alone_gives_what_it_gave_in_the_model(traced):
    model, _, tracer = traced
    tensors = tracer.graph.tensors
    values = tracer.trace(samples(model), [index for index, tensor in tensors.items() if not tensor.constant])
    for op in tracer.graph.ops:
        given = {index: values[index] for index in op.inputs if index >= 0 and not tensors[index].constant}
        found = tracer.run(given, op.outputs)
        for index in op.outputs:
            np.testing.assert_array_equal(found[index], values[index])
            assert found[index].shape[1:] == tensors[index].shape
            assert str(found[index].dtype) == tensors[index].dtype


def test_a_segment_needs_what_it_reads(traced):
    _, _, tracer = traced
    last = tracer.graph.ops[-1]
    with pytest.raises(UnsupportedError, match="is needed and not given"):
        tracer.run({}, last.outputs)


def test_a_model_that_branches_on_values_is_refused_with_the_reason(tmp_path):
    from converters.torch_export import tracer

    file = tmp_path / "branching.py"
    file.write_text(
        "from torch import nn\n"
        "class Branching(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x * 2 if x.sum() > 0 else x - 1\n"
        "def build():\n"
        "    return Branching()\n"
        "def example_inputs():\n"
        "    import torch\n"
        "    return torch.ones(1, 3)\n"
    )
    artifact = source.capture(f"{file}:build", {}, tmp_path / "w.safetensors")
    with pytest.raises(UnsupportedError, match="torch.export makes no graph of build"):
        tracer.open(dataclasses.replace(artifact, model="build"))
