from __future__ import annotations

import numpy as np
import pytest

from converters.contract import TensorSpec
from converters.errors import DataError
from pipeline.datasets.samples import to_samples

IMAGES = np.arange(5 * 20 * 33 * 3).astype(np.uint8).reshape(5, 20, 33, 3)


def spec(shape: tuple[int | None, ...], layout: str = "", dtype: str = "float32", name: str = "image") -> TensorSpec:
    return TensorSpec(name, shape, dtype, layout)


@pytest.mark.parametrize("batch", [None, 1])
def test_images_go_into_the_models_layout(batch: int | None) -> None:
    torch = to_samples({"image": IMAGES}, (spec((batch, 3, 20, 33), "NCHW"),))["image"]
    keras = to_samples({"image": IMAGES}, (spec((batch, 20, 33, 3), "NHWC"),))["image"]
    assert (torch.shape, torch.dtype) == ((5, 1, 3, 20, 33), np.float32)
    np.testing.assert_array_equal(torch[:, 0].transpose(0, 2, 3, 1), IMAGES)
    np.testing.assert_array_equal(keras[:, 0], IMAGES)


def test_a_model_without_a_batch_axis_gets_none() -> None:
    assert to_samples({"image": IMAGES}, (spec((3, 20, 33), "CHW"),))["image"].shape == (5, 3, 20, 33)
    rows = np.zeros((5, 7), np.float32)
    assert to_samples({"x": rows}, (spec((7,), name="x"),))["x"].shape == (5, 7)


def test_one_array_and_one_input_need_no_common_name() -> None:
    assert list(to_samples({"image": IMAGES}, (spec((None, 20, 33, 3), "NHWC", name="pixels"),))) == ["pixels"]


def test_several_inputs_are_matched_by_name() -> None:
    left, right = np.zeros((4, 7), np.float32), np.ones((4, 2, 9), np.float64)
    specs = (spec((None, 2, 9), name="right"), spec((1, 7), name="left"))
    found = to_samples({"left": left, "right": right, "id": np.arange(4)}, specs)
    assert {name: array.shape for name, array in found.items()} == {"right": (4, 1, 2, 9), "left": (4, 1, 7)}
    assert found["right"].dtype == np.float32


def test_a_missing_input_lists_what_is_there() -> None:
    specs = (spec((None, 7), name="left"), spec((None, 7), name="right"))
    with pytest.raises(DataError, match=r"no array for the model's input 'right'; it has 'left', 'richt'"):
        to_samples({"left": np.zeros((4, 7)), "richt": np.zeros((4, 7))}, specs)


def test_another_size_names_the_option() -> None:
    with pytest.raises(DataError, match=r"takes images of 28x30 .* the data has 20x33; .*--image-size 28x30"):
        to_samples({"image": IMAGES}, (spec((None, 3, 28, 30), "NCHW"),))


def test_swapped_height_and_width_are_noticed() -> None:
    with pytest.raises(DataError, match="takes images of 33x20"):
        to_samples({"image": IMAGES}, (spec((None, 33, 20, 3), "NHWC"),))


def test_other_channels_are_refused() -> None:
    with pytest.raises(DataError, match="takes 1 channels, the images have 3"):
        to_samples({"image": IMAGES}, (spec((None, 1, 20, 33), "NCHW"),))


def test_grey_images_without_a_channel_axis_get_one() -> None:
    found = to_samples({"image": IMAGES[..., 0]}, (spec((None, 1, 20, 33), "NCHW"),))
    assert found["image"].shape == (5, 1, 1, 20, 33)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match=r"takes 7 a sample, the data has 8"):
        to_samples({"x": np.zeros((4, 8), np.float32)}, (spec((None, 7), name="x"),))


def test_a_fixed_batch_is_refused() -> None:
    with pytest.raises(DataError, match="takes 16 samples in one call"):
        to_samples({"image": IMAGES}, (spec((16, 20, 33, 3), "NHWC"),))


def test_dynamic_axes_take_any_size() -> None:
    assert to_samples({"x": np.zeros((4, 8), np.float32)}, (spec((None, None), name="x"),))["x"].shape == (4, 1, 8)


@pytest.mark.parametrize(
    ("array", "dtype"),
    [(np.array([[300], [2]], np.int64), "uint8"), (np.array([[0.5], [2]]), "int32"), (np.array([[-1]]), "uint8")],
)
def test_values_that_do_not_fit_the_type_are_refused(array: np.ndarray, dtype: str) -> None:
    with pytest.raises(DataError, match=f"takes {dtype}, the data is .* do not fit"):
        to_samples({"x": array}, (spec((None, 1), dtype=dtype, name="x"),))


def test_whole_numbers_that_fit_are_converted() -> None:
    found = to_samples({"x": np.array([[7], [250]], np.int64)}, (spec((None, 1), dtype="uint8", name="x"),))
    assert (found["x"].dtype, found["x"].ravel().tolist()) == (np.uint8, [7, 250])
