from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.torch


def read(function, *shapes):
    import torch

    from converters.torchscript.graph import Reader
    from converters.torchscript.values import constants

    class Model(torch.nn.Module):
        pass

    Model.forward = function
    module = torch.jit.freeze(torch.jit.script(Model().eval()))
    graph = module.inlined_graph
    with torch.no_grad():
        known = constants(graph, module, None)
    return Reader(graph, known, None).graph((), ())


def test_lists_are_taken_apart():
    import torch

    def split(self, x: torch.Tensor):
        a, b = torch.split(x, 2, dim=1)
        return torch.cat([b, a * 2.0], dim=1)

    parts, times, cat = read(split).ops
    assert parts.attributes == {"split_size": 2, "dim": 1}
    assert len(parts.outputs) == 2
    assert times.inputs == parts.outputs[:1]
    assert times.attributes == {"other": 2.0}
    assert cat.inputs == (parts.outputs[1], times.outputs[0])


def test_types_are_words_and_bodies_hashes():
    import torch

    def first(self, x: torch.Tensor):
        y = x.to(torch.float64)
        return y + 1 if bool(y.max() > 3) else y

    def second(self, x: torch.Tensor):
        y = x.to(torch.float64)
        return y + 2 if bool(y.max() > 3) else y

    one, two = read(first), read(second)
    assert one.ops[0].attributes["dtype"] == "float64"
    branches = [next(op for op in graph.ops if op.type == "prim.If") for graph in (one, two)]
    assert branches[0].attributes["body_0"] != branches[1].attributes["body_0"]
    assert branches[0].attributes["body_1"] == branches[1].attributes["body_1"]
    assert one.ops[0].outputs[0] in branches[0].inputs


def test_values_are_held_as_numpy_holds_them():
    import torch

    from converters.torchscript.graph import array

    assert array(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32
    assert array(torch.quantize_per_tensor(torch.ones(2), 0.5, 3, torch.qint8)).tolist() == [5, 5]
    assert array(3).shape == ()
