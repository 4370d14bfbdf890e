"""Sizes and places of images, by the examples of the MIL specification."""

from __future__ import annotations

import numpy as np
import pytest

from converters.coreml.ops.resize import KERNELS as K
from converters.coreml.ops.resize import grid

X = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)


@pytest.mark.parametrize(
    ("mode", "count", "wanted"),
    [
        ("UNALIGN_CORNERS", 5, [0, 0.1, 0.5, 0.9, 1]),
        ("STRICT_ALIGN_CORNERS", 5, [0, 0.25, 0.5, 0.75, 1]),
        ("DEFAULT", 5, [0, 0.4, 0.8, 1, 1]),
        ("OFFSET_CORNERS", 5, [0.1, 0.3, 0.5, 0.7, 0.9]),
        ("UNALIGN_CORNERS", 6, [0, 0, 0.33, 0.67, 1, 1]),
        ("DEFAULT", 6, [0, 0.33, 0.67, 1, 1, 1]),
        ("ALIGN_CORNERS", 1, [0.5]),
        ("STRICT_ALIGN_CORNERS", 1, [0]),
    ],
)
def test_where_values_are_taken_from(mode: str, count: int, wanted: list[float]) -> None:
    np.testing.assert_allclose(grid(2, count, mode), wanted, atol=0.005)


def test_sizes_and_factors() -> None:
    line = K["resize_bilinear"](x=X, target_size_height=3, target_size_width=7, sampling_mode="STRICT_ALIGN_CORNERS")
    np.testing.assert_allclose(line[0, 0, 0], [0, 0.5, 1, 1.5, 2, 2.5, 3])
    half = K["upsample_bilinear"](x=X, scale_factor_height=1, scale_factor_width=2, align_corners=False)
    np.testing.assert_allclose(half[0, 0, 0, :3], [0, 0.25, 0.75])
    near = K["upsample_nearest_neighbor"](x=X, scale_factor_height=2, scale_factor_width=1.5)
    np.testing.assert_array_equal(near[0, 0, 1], [0, 0, 1, 2, 2, 3])
    assert K["resize"](x=X, shape=[1, 6, 0], resized_dims=2).shape == (1, 1, 6, 4)
    assert K["upsample_nearest_neighbor"](x=np.ones((1, 1, 10, 1)), scale_factor_height=np.float32(1.1)).shape[2] == 11


def test_places_between_and_outside() -> None:
    places = np.array([[[[0.5, 0.0], [-0.5, 0.0], [9.0, 2.0]]]], np.float32)
    how = {"sampling_mode": "bilinear", "coordinates_mode": "unnormalized", "align_corners": True, "padding_value": 0.0}
    np.testing.assert_allclose(
        K["resample"](x=X + 1, coordinates=places, padding_mode="constant", **how)[0, 0, 0], [1.5, 0.5, 0]
    )
    np.testing.assert_allclose(
        K["resample"](x=X + 1, coordinates=places, padding_mode="border", **how)[0, 0, 0], [1.5, 1, 12]
    )


def test_an_affine_of_nothing_and_a_box_of_all() -> None:
    same = {"sampling_mode": "bilinear", "padding_mode": "constant", "padding_value": 0.0, "align_corners": True}
    made = K["affine"](
        x=X,
        transform_matrix=np.float32([[1, 0, 0, 0, 1, 0]]),
        output_height=3,
        output_width=4,
        coordinates_mode="normalized_minus_one_to_one",
        **same,
    )
    np.testing.assert_allclose(made, X, atol=1e-5)
    box = K["crop_resize"](
        x=X,
        boxes=np.float32([[0, 0, 2, 3]]),
        box_indices=np.int32([0]),
        target_height=3,
        target_width=4,
        sampling_mode="ALIGN_CORNERS",
    )
    np.testing.assert_allclose(box, X, atol=1e-5)
