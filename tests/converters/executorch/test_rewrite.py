from __future__ import annotations

import pytest
from exported_graphs import exported, kinds

pytestmark = pytest.mark.torch


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


@pytest.mark.parametrize(("form", "written_out"), [("tanh", True), ("none", False)])
def test_the_form_of_gelu_that_xnnpack_confuses_is_written_out(form: str, written_out: bool) -> None:
    import torch

    from converters.executorch.rewrite import rewrite

    values = torch.linspace(-6, 6, 49)
    found = rewrite(exported(lambda x: torch.nn.functional.gelu(x, approximate=form), values))
    assert ("tanh.default" in kinds(found)) is written_out
    assert ("gelu.default" in kinds(found)) is not written_out
    wanted = torch.nn.functional.gelu(values, approximate=form)
    torch.testing.assert_close(found(values), wanted, atol=1e-6, rtol=1e-6)
