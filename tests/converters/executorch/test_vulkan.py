from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converters.contract import Artifact
from converters.errors import ModelError
from converters.executorch import vulkan
from converters.executorch.graph import Graph
from converters.executorch.plan import read_graph
from converters.executorch.program import opened

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def test_operators_and_weights_are_read(exported: Exported) -> None:
    with opened(exported("torch_conv", "vulkan").path) as program:
        graph = read_graph(program)
        weights = [np.frombuffer(v.data, v.dtype) for v in graph.values if v.data is not None and len(v.shape) > 1]
    assert graph.backends == ("VulkanBackend",)
    assert {op.device for op in graph.ops} == {"vulkan"}
    assert "et_vk.conv_with_clamp.default" in [op.type for op in graph.ops]
    assert all(np.isfinite(values).all() for values in weights)
    assert sum(values.size for values in weights) >= 8 * 3 * 9 + 8 * 9 + 5 * 8
    made = {place for op in graph.ops for place in op.outputs}
    assert set(graph.outputs) <= made
    assert not set(graph.inputs) & made


def test_another_payload_is_damage() -> None:
    with pytest.raises(ModelError, match="damaged: what Vulkan was given begins with b'12345678'"):
        vulkan.read(memoryview(b"12345678"), {}, Graph(), ())


def test_weights_that_are_not_there_are_damage() -> None:
    tensor = {"constant_id": 0, "dims": [4], "datatype": "FLOAT32"}
    one = {"named_key": "", "offset": 4, "length": 16}
    with pytest.raises(ModelError, match="damaged: 16 bytes of weights are wanted and 4 are there"):
        vulkan._constant(tensor, [one], memoryview(bytes(8)), {})
