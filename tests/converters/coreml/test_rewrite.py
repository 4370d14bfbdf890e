"""What coremltools would convert wrongly without a word is written with other operators before."""

from __future__ import annotations

import pytest
import torch


@pytest.mark.torch
@pytest.mark.parametrize(
    ("function", "gone"),
    [
        (lambda x: torch.add(x, x * 2, alpha=0.5), "alpha"),
        (lambda x: torch.nn.functional.gelu(x, approximate="tanh"), "gelu"),
        (torch.reciprocal, "reciprocal"),
        (torch.argmax, "argmax.default(%x)"),
        (torch.trunc, "trunc"),
        (lambda x: torch.nn.functional.rms_norm(x, (4,)), "rms_norm"),
        (torch.nn.functional.hardshrink, "ScalarSelf"),
        (lambda x: torch.nn.functional.pad(x, (-1, 2, 1, -1), value=7.0), "-1"),
        (lambda x: torch.nn.functional.pad(x, (-1, -2)), "pad"),
    ],
)
def test_the_program_computes_the_same_without_them(function: object, gone: str) -> None:
    from converters.coreml.rewrite import decompositions

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return function(x)

    x = torch.linspace(0.6, 3.0, 12).reshape(3, 4)
    program = torch.export.export(Model(), (x,)).run_decompositions(decompositions())
    assert gone not in str(program.graph)
    torch.testing.assert_close(program.module()(x), function(x))


@pytest.mark.torch
@pytest.mark.parametrize("affine", [True, False])
def test_groups_are_normalized_by_one_operator(affine: bool) -> None:
    """Written out, squares of 257 and more are infinite in float16."""
    from converters.coreml.rewrite import decompositions

    model = torch.nn.GroupNorm(2, 6, affine=affine).eval()
    if affine:
        torch.nn.init.uniform_(model.weight)
        torch.nn.init.uniform_(model.bias)
    x = 300 * torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(model, (x,)).run_decompositions(decompositions())
    kinds = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert "aten.layer_norm.default" in kinds
    assert not any("group_norm" in kind for kind in kinds)
    torch.testing.assert_close(program.module()(x), model(x))


@pytest.mark.torch
def test_what_is_right_stays() -> None:
    from converters.coreml.rewrite import decompositions

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.gelu(x + x)

    program = torch.export.export(Model(), (torch.ones(2),)).run_decompositions(decompositions())
    assert [str(node.target) for node in program.graph.nodes if node.op == "call_function"] == [
        "aten.add.Tensor",
        "aten.gelu.default",
    ]


@pytest.mark.torch
def test_a_recurrent_layer_is_written_step_by_step() -> None:
    from converters.coreml.rewrite import decompositions

    x = torch.linspace(-1, 1, 24).reshape(4, 2, 3)
    model = torch.nn.LSTM(3, 5).eval()
    program = torch.export.export(model, (x,)).run_decompositions(decompositions())
    assert "lstm" not in str([node.target for node in program.graph.nodes if node.op == "call_function"])
    torch.testing.assert_close(program.module()(x)[0], model(x)[0])
