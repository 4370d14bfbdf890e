"""The cases of `layers`: each is a module that runs, gives tensors, and gives the same again."""

from __future__ import annotations

import pytest
import torch

from converters.torch_export import corpus


@pytest.mark.parametrize("name", [name for name in corpus.cases() if name.startswith("layer-")])
def test_a_layer_runs_and_its_weights_are_no_ones(name: str) -> None:
    module, inputs = corpus.cases()[name]()
    for parameter in module.parameters():
        assert not (parameter == 1).all(), "a weight of 1 would hide that it is lost"
    with torch.no_grad():
        module(*inputs)
