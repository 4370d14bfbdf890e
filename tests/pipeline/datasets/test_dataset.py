from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from converters.errors import DataError
from pipeline.datasets.dataset import Dataset, Split


def images(count: int) -> np.ndarray:
    """Distinct non-square images."""
    return np.arange(count * 20 * 33 * 3).astype(np.uint8).reshape(count, 20, 33, 3)


def make(targets: list[int], *, labels: tuple[str, ...] = ("ant", "bee"), count: int | None = None) -> Dataset:
    rows = np.array(targets, np.int64)
    split = Split({"image": images(len(rows) if count is None else count)}, rows)
    return Dataset("insects", "MIT", "garden", labels, split, split, ("3 files left out",))


def test_it_tells_what_the_pipeline_asks() -> None:
    data = make([0, 1, 1])
    assert (data.image_shape, data.classes, len(data.test)) == ((20, 33, 3), 2, 3)


def test_saving_and_opening_gives_the_same_data(tmp_path: Path) -> None:
    data = make([0, 1, 1], labels=("Ameise, große", "bee / wasp"))
    data.save(tmp_path / "a")
    again = Dataset.open(tmp_path / "a")
    assert (again.labels, again.notes, again.licence) == (data.labels, data.notes, data.licence)
    assert isinstance(again.test.inputs["image"], np.memmap)
    np.testing.assert_array_equal(again.test.inputs["image"], images(3))
    assert again.train is not None
    np.testing.assert_array_equal(again.train.targets, [0, 1, 1])


def test_saving_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        make([0, 1]).save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 5
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_input_names_never_become_paths(tmp_path: Path) -> None:
    split = Split({"../left eye": np.zeros((2, 3), np.float32)}, None)
    Dataset("eyes", "", "", (), None, split).save(tmp_path / "d")
    assert list(Dataset.open(tmp_path / "d").test.inputs) == ["../left eye"]
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0, 1, 2], r"train split: 1 labels are out of range, first 2 at sample 2.*from 0 to 1"),
        ([0, -1, 1], r"first -1 at sample 1"),
        ([1, 1, 1], r"one class only, 'bee' \(3 samples\)"),
        ([], r"train split is empty"),
    ],
)
def test_labels_that_make_no_sense_are_refused(targets: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make(targets)


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"different lengths, \{'image': 4, 'targets': 3\}"):
        make([0, 1, 1], count=4)


def test_two_classes_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="two classes have the same name"):
        make([0, 1], labels=("bee", "bee"))


def test_images_that_are_not_uint8_are_refused() -> None:
    split = Split({"image": np.zeros((2, 8, 8, 1), np.int32)}, None)
    with pytest.raises(DataError, match=r"uint8 with pixels 0\.\.255, found int32\[2, 8, 8, 1\]"):
        Dataset("d", "", "", (), None, split)


def test_train_and_test_must_fit_together() -> None:
    small, large = (Split({"x": np.zeros((2, n), np.float32)}, None) for n in (3, 4))
    with pytest.raises(DataError, match="train and test differ in names, shapes or dtypes"):
        Dataset("d", "", "", (), small, large)


def test_a_set_without_images_says_what_it_has() -> None:
    data = Dataset("d", "", "", (), None, Split({"x": np.zeros((2, 3), np.float32)}, None))
    with pytest.raises(DataError, match=r"d has no images, it has x float32\[3\]"):
        _ = data.image_shape


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a stored data set"):
        Dataset.open(tmp_path)
    make([0, 1]).save(tmp_path)
    (tmp_path / "test-0.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="is not a stored data set"):
        Dataset.open(tmp_path)
    (tmp_path / "meta.json").write_text(json.dumps({"kind": "holiday"}))
    with pytest.raises(DataError, match="of kind 'holiday'"):
        Dataset.open(tmp_path)


def test_floats_called_image_are_taken_as_they_are_and_are_no_pixels():
    split = Split({"image": np.zeros((2, 3, 8, 8), np.float32)}, None)
    with pytest.raises(DataError, match=r"has no images, it has image float32\[3, 8, 8\]"):
        _ = Dataset("d", "", "", (), None, split).image_shape
