"""The cases of `shapes`: each is a module that runs, gives tensors, and gives the same again."""

from __future__ import annotations

import pytest
import torch

from converters.torch_export import corpus


@pytest.mark.parametrize("name", [name for name in corpus.cases() if name.startswith("shape-")])
def test_a_case_moves_data(name: str) -> None:
    module, inputs = corpus.cases()[name]()
    output = module(*inputs)
    assert isinstance(output, (torch.Tensor, tuple, list))
