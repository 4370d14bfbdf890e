from __future__ import annotations

import numpy as np
import pytest

from converters.contract import Format

pytestmark = pytest.mark.torch


def program(model, *examples):
    import torch

    from converters.torch_export.program import Program

    exported = torch.export.export(model.eval(), examples).run_decompositions({})
    return Program(exported, Format.TORCH, [f"x{place}" for place in range(len(examples))])


def module(function, **members):
    from torch import nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            for name, value in members.items():
                setattr(self, name, value)

        def forward(self, *values):
            return function(self, *values)

    return Model()


def test_parameters_buffers_and_numbers_are_constants():
    import torch
    from torch import nn

    made = program(module(lambda self, x: self.norm(x) * 2, norm=nn.BatchNorm1d(3)), torch.zeros(2, 3))
    norm, times = made.graph.ops
    weight, bias, mean, variance = (made.graph.tensors[index] for index in norm.inputs[1:])
    assert [t.name for t in (weight, bias, mean, variance)] == [
        f"norm.{name}" for name in ("weight", "bias", "running_mean", "running_var")
    ]
    np.testing.assert_array_equal(variance.data, np.ones(3, np.float32))
    assert made.graph.tensors[times.inputs[1]].data == np.float32(2)
    assert len(norm.outputs) == 1  # what nobody reads of its three results is not there


def test_what_comes_of_constants_is_a_constant():
    import torch
    from torch import nn

    made = program(
        module(lambda self, x: x @ self.w.T, w=nn.Parameter(torch.arange(6.0).reshape(2, 3))), torch.zeros(4, 3)
    )
    [product] = made.graph.ops
    np.testing.assert_array_equal(
        made.graph.tensors[product.inputs[1]].data, np.arange(6, dtype=np.float32).reshape(2, 3).T
    )


def test_lists_are_taken_apart_and_random_operators_stay():
    import torch

    made = program(module(lambda self, x: x.split(2, 1)[1] + torch.rand(2)), torch.zeros(1, 4))
    assert [op.type for op in made.graph.ops] == ["aten.split", "aten.rand", "aten.add"]
    split, _, add = made.graph.ops
    assert len(split.outputs) == 2
    assert add.inputs[0] == split.outputs[1]


def test_types_that_numpy_has_not_are_told_as_float32():
    import torch

    from converters.torch_export.program import array

    assert array(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32
    made = program(module(lambda self, x: x.to(torch.bfloat16) + 1), torch.zeros(2))
    first, second = made.graph.ops
    assert made.graph.tensors[first.outputs[0]].dtype == "float32"
    given = made.tensor(first.outputs[0], np.array([1, 1 + 2**-20], np.float32))
    assert given.dtype is torch.bfloat16
    found = made.compute([second], {first.outputs[0]: given}, second.outputs)
    np.testing.assert_array_equal(array(found[second.outputs[0]]), [2, 2])


def test_a_view_takes_values_that_lie_in_another_order_than_when_it_was_exported():
    """As attention gives them, by one of its kernels."""
    import torch

    made = program(
        module(lambda self, x: x.transpose(1, 2).view(2, 12)),
        torch.zeros(2, 4, 3).transpose(1, 2).contiguous().transpose(1, 2),
    )
    x = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    (given,) = made.graph.inputs
    (wanted,) = made.graph.outputs
    found = made.compute(made.graph.ops, {given: made.tensor(given, x)}, [wanted])[wanted]
    np.testing.assert_array_equal(found, x.transpose(0, 2, 1).reshape(2, 12))
