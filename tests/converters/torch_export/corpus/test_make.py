"""The cases of `make`: each is a module that runs, gives tensors, and gives the same again."""

from __future__ import annotations

import pytest
import torch

from converters.torch_export import corpus
from converters.torch_export.corpus.make import call, floats, integers, layer


def test_numbers_are_seeded_by_their_shape() -> None:
    torch.testing.assert_close(floats(2, 3), floats(2, 3))
    assert (floats(2, 3) != floats(2, 3, seed=1)).any()
    assert (floats(50, positive=True) >= 0.1).all()
    assert integers(4, 100).max() < 4


def test_a_function_and_a_module() -> None:
    module, inputs = call(torch.add, floats(2), floats(2))
    torch.testing.assert_close(module(*inputs), inputs[0] + inputs[1])
    module, _ = layer(torch.nn.Linear(3, 2), floats(1, 3))
    assert (module.weight != 0).all()


def test_a_builder_gives_the_module_of_a_case() -> None:
    assert isinstance(corpus.module("unary-abs"), torch.nn.Module)
    with pytest.raises(KeyError):
        corpus.module("no such case")
