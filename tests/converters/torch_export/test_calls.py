from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch


def exported(function, *args):
    import torch
    from torch import nn

    class Model(nn.Module):
        def forward(self, *values):
            return function(*values)

    return torch.export.export(Model(), args).run_decompositions({})


def calls(program):
    return [node for node in program.graph.nodes if node.op == "call_function"]


def test_arguments_have_the_names_of_the_schema_and_its_defaults():
    import torch

    from converters.torch_export.calls import kind, told

    program = exported(lambda x, w: torch.conv2d(x, w, padding=1), torch.zeros(1, 3, 8, 9), torch.zeros(4, 3, 3, 3))
    [node] = calls(program)
    tensors, attributes = told(node)
    assert kind(node.target) == "aten.conv2d"
    assert [tensor.name for tensor in tensors] == [node.args[0].name, node.args[1].name]
    assert attributes == {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}


def test_lists_of_tensors_are_spread_and_types_are_words():
    import torch

    from converters.torch_export.calls import told

    both = exported(lambda x, y: torch.cat([x, y], 1).to(torch.float64), torch.zeros(2, 3), torch.zeros(2, 4))
    cat, *_, cast = calls(both)  # between them stands an assertion
    assert len(told(cat)[0]) == 2
    assert told(cat)[1] == {"dim": 1}
    assert told(cast)[1] == {"dtype": "float64"}


def test_bodies_are_told_by_hashes():
    import torch

    from converters.torch_export.calls import kind, told

    def branches(constant):
        program = exported(
            lambda x: torch.cond(x.sum() > 0, lambda v: v + constant, lambda v: v - 1, (x,)), torch.zeros(3)
        )
        return next(told(node) for node in calls(program) if kind(node.target) == "cond")

    tensors, attributes = branches(2.0)
    assert len(tensors) == 2
    assert len(set(attributes.values())) == 2
    assert branches(2.0)[1] == attributes
    assert branches(3.0)[1] != attributes
