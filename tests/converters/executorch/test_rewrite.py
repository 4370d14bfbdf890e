from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.torch


def exported(function: Callable[..., Any], *examples: Any, **tensors: Any) -> Any:
    """The ATen graph of a function of tensors; `tensors` are buffers of the model, handed in by name."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, value in tensors.items():
                self.register_buffer(name, value)

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            return function(*inputs, **{name: getattr(self, name) for name in tensors})

    return torch.export.export(Model(), examples).module()


def kinds(model: Any) -> list[str]:
    return [str(node.target).removeprefix("aten.") for node in model.graph.nodes if node.op == "call_function"]


def test_a_mean_of_pictures_keeps_its_axes_and_drops_them_then() -> None:
    import torch

    from converters.executorch.rewrite import rewrite

    pictures = torch.rand(2, 3, 4, 5)
    for axes in ((2, 3), (-1, -2)):
        model = exported(lambda x, axes=axes: x.mean(axes), pictures)
        wanted = model(pictures)
        found = rewrite(model)
        assert [kind for kind in kinds(found) if "guard" not in kind][-2:] == ["mean.dim", "view.default"]
        assert torch.equal(found(pictures), wanted)


@pytest.mark.parametrize("axes", [(1, 2), (3,), (0, 2, 3)])
def test_other_means_are_left_alone(axes: tuple[int, ...]) -> None:
    import torch

    from converters.executorch.rewrite import rewrite

    model = exported(lambda x: x.mean(axes), torch.rand(2, 3, 4, 5))
    before = kinds(model)
    assert kinds(rewrite(model)) == before


def test_relu6_is_a_clamp() -> None:
    import torch

    from converters.executorch.rewrite import rewrite

    values = torch.linspace(-3, 9, 13)
    found = rewrite(exported(torch.nn.functional.relu6, values))
    assert "hardtanh.default" in kinds(found)
    assert torch.equal(found(values), values.clamp(0, 6))


def test_constants_are_multiplied_and_added() -> None:
    import torch

    from converters.executorch.rewrite import rewrite_for_integers

    image, std = torch.rand(1, 3, 2, 2) * 255, torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1)
    model = exported(lambda x, std: (x / 255.0 - 0.5) / std, image, std=std)
    wanted = model(image)
    found = rewrite_for_integers(model)
    assert {"mul.Tensor", "add.Tensor"} <= set(kinds(found))
    assert not {"div.Tensor", "sub.Tensor"} & set(kinds(found))
    assert torch.allclose(found(image), wanted, rtol=1e-6, atol=1e-5)


def test_what_is_computed_is_not_touched() -> None:
    import torch

    from converters.executorch.rewrite import rewrite_for_integers

    one, other = torch.rand(3) + 1, torch.rand(3) + 1
    for function in (
        lambda a, b: a / b,
        lambda a, b: a - b,
        lambda a, b: 1.0 / a,
        lambda a, b: torch.sub(a, b, alpha=2),
    ):
        model = exported(function, one, other)
        before, wanted = kinds(model), model(one, other)
        found = rewrite_for_integers(model)
        assert kinds(found) == before
        assert torch.equal(found(one, other), wanted)
