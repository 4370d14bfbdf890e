from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.errors import DataError
from pipeline.datasets import npz

LABELS = np.arange(20) % 4
PIXELS = np.arange(20 * 20 * 33).astype(np.uint8).reshape(20, 20, 33)


def write(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def keras_style(**changes: Any) -> dict[str, Any]:
    both = {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:8], "y_test": LABELS[:8]}
    return {key: value for key, value in {**both, **changes}.items() if value is not None}


def test_the_form_of_keras(tmp_path: Path) -> None:
    data = npz.load(write(tmp_path, **keras_style()), seed=0)
    assert data.train is not None
    assert (data.image_shape, len(data.train), len(data.test)) == ((20, 33, 1), 20, 8)
    assert data.labels == ("0", "1", "2", "3")
    np.testing.assert_array_equal(data.test.inputs["image"][..., 0], PIXELS[:8])


@pytest.mark.parametrize("key", ["labels", "y"])
def test_one_array_and_labels_are_split_here(tmp_path: Path, key: str) -> None:
    names = np.array(["Käfer", "b", "c", "d"])
    data = npz.load(write(tmp_path, photo=PIXELS, label_names=names, **{key: LABELS}), seed=0)
    assert data.train is not None
    assert data.test.targets is not None
    assert (data.labels[0], len(data.train), len(data.test)) == ("Käfer", 16, 4)
    assert sorted(data.test.targets) == [0, 1, 2, 3]


def test_several_inputs_keep_their_names_and_rows(tmp_path: Path) -> None:
    left, right = np.arange(20.0)[:, None], np.arange(20)[:, None] + np.zeros((1, 5), np.int64)
    data = npz.load(write(tmp_path, left=left, right=right, labels=LABELS), seed=0)
    assert {name: array.shape for name, array in data.test.inputs.items()} == {"left": (4, 1), "right": (4, 5)}
    rows = data.test.inputs["left"][:, 0].astype(int)
    np.testing.assert_array_equal(data.test.inputs["right"][:, 0], rows)
    np.testing.assert_array_equal(data.test.targets, LABELS[rows])


def test_no_labels_at_all_is_data_without_classes(tmp_path: Path) -> None:
    data = npz.load(write(tmp_path, left=np.zeros((20, 3)), right=np.zeros((20, 4))), seed=0)
    assert (data.classes, data.test.targets, len(data.test)) == (0, None, 4)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS[:, None],
        LABELS.astype(np.float32),
        LABELS.astype(np.uint8),
        np.eye(4)[LABELS],
        np.array(list("abcd"))[LABELS],
        np.array([b"a", b"b", b"c", b"d"])[LABELS],
    ],
    ids=["column", "float", "uint8", "one-hot", "text", "bytes"],
)
def test_labels_in_every_usual_form(tmp_path: Path, labels: np.ndarray) -> None:
    data = npz.load(write(tmp_path, **keras_style(y_train=labels, y_test=labels[:8])), seed=0)
    assert data.train is not None
    assert data.train.targets is not None
    assert data.train.targets.tolist() == LABELS.tolist()


def test_channels_first_is_turned_and_said(tmp_path: Path) -> None:
    colour = np.stack([PIXELS, PIXELS // 2, PIXELS // 3], 1)
    data = npz.load(write(tmp_path, **keras_style(x_train=colour, x_test=colour[:8])), seed=0)
    assert data.image_shape == (20, 33, 3)
    np.testing.assert_array_equal(data.test.inputs["image"][..., 1], PIXELS[:8] // 2)
    assert data.notes == ("x: channels moved last, (n, C, H, W) -> (n, H, W, C)",)


def test_wide_integers_with_pixel_values_are_images(tmp_path: Path) -> None:
    wide = PIXELS.astype(np.int64)
    assert npz.load(write(tmp_path, **keras_style(x_train=wide, x_test=wide[:8])), seed=0).image_shape == (20, 33, 1)


def test_scaled_images_are_kept_and_not_taken_for_pixels(tmp_path: Path) -> None:
    scaled = PIXELS.astype(np.float32) / 255
    data = npz.load(write(tmp_path, **keras_style(x_train=scaled, x_test=scaled[:8])), seed=0)
    assert data.test.inputs["x"].dtype == np.float32
    with pytest.raises(DataError, match=r"has no images, it has x float32\[20, 33\]"):
        _ = data.image_shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, r"has x_test, x_train, y_train but no y_test"),
        ({"y_train": LABELS + 1, "y_test": LABELS[:8] + 1}, "run from 1 to 4 and class 0 never occurs"),
        ({"y_train": LABELS - 1, "y_test": LABELS[:8] - 1}, "out of range: they run from -1 to 2"),
        ({"label_names": np.array(list("abc"))}, r"out of range, first 3 at sample 3; there are 3 classes"),
        ({"y_train": np.zeros(20), "y_test": np.zeros(8)}, "one class only, '0'"),
        ({"y_train": LABELS[:19]}, "different lengths"),
        ({"y_train": LABELS + 0.5}, "labels must be integers, names or one-hot rows"),
        ({"x_train": np.full((20, 3), np.nan)}, "x holds NaN or infinite values"),
        ({"x_train": PIXELS[:0], "y_train": LABELS[:0]}, "train split is empty"),
        ({"x_train": PIXELS.astype(str)}, "inputs must be numbers"),
        ({"label_names": np.arange(4)}, "label_names must be a list of texts"),
        ({"x_train": np.array(3)}, "x_train holds no samples"),
        ({"x_test": PIXELS[:8, :10]}, "train and test differ"),
    ],
)
def test_what_makes_no_data_set_is_told(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        npz.load(write(tmp_path, **keras_style(**changes)), seed=0)


def test_names_that_no_list_knows_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, x=PIXELS, y=np.array(list("abcz"))[LABELS], label_names=np.array(list("abcd")))
    with pytest.raises(DataError, match=r"labels \['z'\] are not in label_names"):
        npz.load(path, seed=0)


def test_labels_alone_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has labels but no inputs"):
        npz.load(write(tmp_path, labels=LABELS), seed=0)


def test_rows_that_do_not_pair_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="arrays of different lengths"):
        npz.load(write(tmp_path, left=np.zeros((20, 3)), labels=LABELS[:7]), seed=0)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = write(tmp_path, x=np.array([{"code": 1}] * 20, object), y=LABELS)
    with pytest.raises(DataError, match="cannot be read as an .npz of plain arrays"):
        npz.load(path, seed=0)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"something else"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as an .npz"):
        npz.load(tmp_path / "mine.npz", seed=0)


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, **keras_style())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match="cannot be read as an .npz"):
        npz.load(path, seed=0)


def test_a_flipped_byte_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, **keras_style())
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as an .npz"):
        npz.load(path, seed=0)
