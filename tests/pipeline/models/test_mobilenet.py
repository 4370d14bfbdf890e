from __future__ import annotations

import numpy as np
import pytest

from pipeline.models.mobilenet import layers, normalization


def halvings(height: int, width: int) -> int:
    return sum(layer.stride == 2 for layer in layers(height, width, 1.0))


@pytest.mark.parametrize(("side", "count"), [(8, 1), (12, 1), (16, 2), (28, 2), (63, 3), (64, 3), (96, 3), (224, 5)])
def test_larger_images_are_halved_more_often(side: int, count: int) -> None:
    assert halvings(side, side) == count


def test_the_shorter_side_decides() -> None:
    assert layers(8, 400, 1.0) == layers(400, 8, 1.0) == layers(8, 8, 1.0)


def test_the_multiplier_scales_filters_in_eights() -> None:
    assert [layer.filters for layer in layers(28, 28, 0.3)] == [8, 8, 16, 16, 40, 40]
    assert layers(28, 28, 2.0)[-1].filters == 256


def test_normalization_is_that_of_the_formula() -> None:
    scale, offset = normalization(3, [0.1, 0.2, 0.3], [0.5])
    pixels = np.array([0.0, 100.0, 255.0])
    np.testing.assert_allclose(pixels * scale + offset, (pixels / 255 - [0.1, 0.2, 0.3]) / 0.5, atol=1e-12)


def test_impossible_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="7x30 are too small"):
        layers(7, 30, 1.0)
    with pytest.raises(ValueError, match="width_multiplier must be positive"):
        layers(28, 28, 0)
    with pytest.raises(ValueError, match=r"1 channel \(grey\) or 3 \(RGB\), got 4"):
        normalization(4, [0.5], [0.5])
    with pytest.raises(ValueError, match="must hold 1 or 3 numbers"):
        normalization(3, [0.5, 0.5], [0.5])
    with pytest.raises(ValueError, match="std above 0"):
        normalization(1, [0.5], [0.0])
