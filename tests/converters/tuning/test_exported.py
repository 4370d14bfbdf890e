from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from exported_graphs import exported, kinds

pytestmark = pytest.mark.torch


def test_constants_are_multiplied_and_added() -> None:
    import torch

    from converters.tuning.exported import multiplied_and_added

    image, std = torch.rand(1, 3, 2, 2) * 255, torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1)
    model = exported(lambda x, std: (x / 255.0 - 0.5) / std, image, std=std)
    wanted = model(image)
    found = multiplied_and_added(model)
    assert {"mul.Tensor", "add.Tensor"} <= set(kinds(found))
    assert not {"div.Tensor", "sub.Tensor"} & set(kinds(found))
    assert torch.allclose(found(image), wanted, rtol=1e-6, atol=1e-5)


def test_what_is_computed_is_not_touched() -> None:
    import torch

    from converters.tuning.exported import multiplied_and_added

    one, other = torch.rand(3) + 1, torch.rand(3) + 1
    for function in (
        lambda a, b: a / b,
        lambda a, b: a - b,
        lambda a, b: 1.0 / a,
        lambda a, b: torch.sub(a, b, alpha=2),
    ):
        model = exported(function, one, other)
        before, wanted = kinds(model), model(one, other)
        found = multiplied_and_added(model)
        assert kinds(found) == before
        assert torch.equal(found(one, other), wanted)


def test_a_small_factor_has_all_the_steps_of_its_grid_and_what_is_added_keeps_its_least_step() -> None:
    """Quantized with PyTorch's own least step, 1/255 comes out as 0.00391 * 16 / 16.06."""
    import torch
    from litert_torch.quantize.pt2e_quantizer import PT2EQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from converters.tuning.exported import finer_factors

    torch.manual_seed(0)
    image, factor = torch.rand(1, 3, 4, 4) * 255, 1 / (255 * 0.376)

    def slope(finer: bool) -> float:
        quantizer = PT2EQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
        prepared = prepare_pt2e(exported(lambda x: x * factor, image), quantizer)
        if finer:
            finer_factors(prepared)
        prepared(image)
        found, wanted = convert_pt2e(prepared)(image), image * factor
        return float((found * wanted).sum() / (wanted * wanted).sum())

    assert abs(slope(finer=False) - 1) > 4e-3, "the fault that this is against is still there"
    assert abs(slope(finer=True) - 1) < 1e-3


def test_what_is_added_and_zero_keep_their_least_step() -> None:
    import torch
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    from converters.tuning.exported import finer_factors

    def steps(function: Callable[..., Any]) -> set[float]:
        quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config())
        prepared = prepare_pt2e(exported(function, torch.rand(2, 3)), quantizer)
        finer_factors(prepared)
        return {float(child.eps) for child in prepared.children() if hasattr(child, "eps")}

    assert steps(lambda x: x + 1e-3) == {2**-12}
    assert steps(lambda x: x * 0.0) == {2**-12}
    assert min(steps(lambda x: x * 1e-3)) < 1e-30
