from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converters.contract import Artifact
from converters.errors import ModelError
from converters.executorch import xnnpack
from converters.executorch.graph import Graph
from converters.executorch.plan import read_graph
from converters.executorch.program import opened

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def graph_of(artifact: Artifact) -> Graph:
    with opened(artifact.path) as program:
        return read_graph(program)


def test_a_convolution_with_its_weights(exported: Exported) -> None:
    graph = graph_of(exported("torch_conv"))
    op = next(op for op in graph.ops if op.type == "Conv2d")
    _, weight, bias = (graph.values[place] for place in op.inputs)
    assert (weight.shape, weight.dtype, weight.scales) == ((8, 3, 3, 3), "float32", ())
    assert bias.shape == (8,), "batch norm is folded into it"
    assert weight.data is not None
    assert np.isfinite(np.frombuffer(weight.data, np.float32)).all()
    assert op.attributes[1] == {"output_min": 0.0, "output_max": 6.0}, "ReLU6 is in it"


def test_int8_weights_have_a_scale_for_each_channel(exported: Exported) -> None:
    graph = graph_of(exported("torch_conv", precision="int8"))
    kinds = [op.type for op in graph.ops]
    assert kinds[0] == "Quantize"
    assert kinds[-1] == "Dequantize"
    convolution = next(op for op in graph.ops if op.type == "Conv2d")
    given, weight, bias = (graph.values[place] for place in convolution.inputs)
    assert (weight.dtype, len(weight.scales), len(weight.data or b"")) == ("int8", 8, 8 * 27)
    assert (bias.dtype, len(bias.scales)) == ("int32", 8)
    made = graph.values[convolution.outputs[0]]
    assert (made.dtype, len(made.scales)) == ("int8", 1)
    assert np.allclose(bias.scales, given.scales[0] * np.array(weight.scales))
    depthwise = next(op for op in graph.ops if op.type == "DepthwiseConv2d")
    assert len(graph.values[depthwise.inputs[1]].scales) == 8


def test_inputs_and_outputs_of_int8_io_know_their_scale(exported: Exported) -> None:
    graph = graph_of(exported("torch_conv", precision="int8-io"))
    image = graph.values[graph.inputs[0]]
    assert (image.dtype, image.scales, image.zero_point) == ("int8", (1.0,), -128), "raw pixels fit exactly"


def test_another_payload_is_damage() -> None:
    with pytest.raises(ModelError, match="damaged: what XNNPACK was given begins with b'12345678'"):
        xnnpack.read(memoryview(b"12345678"), {}, Graph(), ())


def test_weights_that_are_not_there_are_damage() -> None:
    one = {"named_key": "weight", "offset": 0, "size": 16}
    with pytest.raises(ModelError, match="damaged: 16 bytes of weights are wanted and 8 are there"):
        xnnpack._constant(one, memoryview(b""), {"weight": memoryview(bytes(8))})


def test_scales_may_be_halves() -> None:
    stored = memoryview(np.array([0x3F80, 0x4000], "<u2").tobytes())  # bfloat16 1.0 and 2.0
    params = (
        "PerChannelGroupQuant",
        {"scale": [], "channel_dim": 0, "group_size": 32, "scale_buffer_idx": 1, "num_scales": 2},
    )
    assert xnnpack._quantization(params, [memoryview(b""), stored])[0] == (1.0, 2.0)
