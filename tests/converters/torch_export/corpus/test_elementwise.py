"""The cases of `elementwise`: each is a module that runs, gives tensors, and gives the same again."""

from __future__ import annotations

import pytest
import torch

from converters.torch_export import corpus

NAMES = [
    name for name in corpus.cases() if name.partition("-")[0] in ("unary", "binary", "reduce", "positive", "small")
]


@pytest.mark.parametrize("name", NAMES)
def test_a_case_runs_and_stays_finite(name: str) -> None:
    module, inputs = corpus.cases()[name]()
    output = module(*inputs)
    output = output if isinstance(output, torch.Tensor) else output[0]
    assert torch.isfinite(output.float()).all(), f"{name} leaves its domain: nothing could be held against it"
    torch.testing.assert_close(
        module(*inputs) if isinstance(module(*inputs), torch.Tensor) else module(*inputs)[0], output
    )
