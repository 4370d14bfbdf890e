from __future__ import annotations

import pytest

from converters.errors import UnsupportedError

pytestmark = pytest.mark.torch


def graph(function):
    import torch

    return torch.jit.script(function).graph


def computed(function, *inputs):
    from converters.torchscript.values import compute

    made = graph(function)
    known = dict(zip((value.unique() for value in made.inputs()), inputs, strict=True))
    compute(made.nodes(), known)
    return [known[value.unique()] for value in made.outputs()]


def test_lists_loops_and_arguments_by_name_are_computed():
    import torch

    def summed(x: torch.Tensor, n: int):
        parts = [torch.zeros(2, dtype=torch.float64), x]
        for i in range(n):
            parts[1] = parts[1] + i
        a, b = parts
        return a + b, parts is None

    [[total, nothing]] = computed(summed, torch.ones(2), 3)
    assert total.dtype is torch.float64
    assert total.tolist() == [4, 4]
    assert nothing is False


def test_a_model_that_raises_says_what():
    import torch

    def picky(x: torch.Tensor):
        if x.size(0) > 1:
            raise ValueError("one only")
        return x

    with pytest.raises(UnsupportedError, match="the model raises: .*one only"):
        computed(picky, torch.ones(2))
