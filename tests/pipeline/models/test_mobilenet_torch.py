from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("height", "width", "channels"), [(28, 28, 1), (20, 33, 3), (8, 8, 1), (97, 70, 3)])
def test_any_size_gives_logits(height: int, width: int, channels: int) -> None:
    import torch

    from pipeline.models.mobilenet_torch import build

    model = build(height, width, channels, 7).eval()
    assert model(image=torch.zeros(2, channels, height, width)).shape == (2, 7)


def test_scaling_is_inside_the_model_and_not_in_its_weights() -> None:
    import torch

    from pipeline.models.mobilenet_torch import build

    seen: list[torch.Tensor] = []
    model = build(8, 8, 3, 2, mean=[0.1, 0.2, 0.3], std=[0.5]).eval()
    model.features[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(torch.full((1, 3, 8, 8), 51.0))
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([0.2, 0.0, -0.2]))
    assert not {"scale", "offset"} & set(model.state_dict())


def test_it_is_small_enough_for_phones() -> None:
    from pipeline.models.mobilenet_torch import build

    assert sum(p.numel() for p in build(28, 28, 1, 10).parameters()) < 50_000
