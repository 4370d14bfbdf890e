from __future__ import annotations

import numpy as np
import pytest
import toy_workers

from converters.errors import DataError, UsageError
from pipeline.datasets.dataset import Dataset
from pipeline.stages.data import data_task


@pytest.fixture
def file(tmp_path):
    return toy_workers.write_data(tmp_path / "toy.npz")


def test_what_is_stored_is_what_the_file_holds_with_its_splits_apart(file, tmp_path):
    dataset = Dataset.open(toy_workers.result(data_task(str(file)), tmp_path / "ws").folder)
    with np.load(file) as arrays:
        np.testing.assert_array_equal(dataset.train.inputs["image"], arrays["x_train"])
        np.testing.assert_array_equal(dataset.test.inputs["image"], arrays["x_test"])
        np.testing.assert_array_equal(dataset.test.targets, arrays["y_test"])


def test_a_changed_file_is_other_data_and_a_touched_one_is_not(file):
    first = data_task(str(file)).key
    content = file.read_bytes()
    file.write_bytes(content)
    assert data_task(str(file)).key == first
    file.write_bytes(content[:-50] + bytes(50))
    assert data_task(str(file)).key != first


def test_the_size_of_images_and_the_full_set_are_other_data(tmp_path):
    (tmp_path / "photos").mkdir()
    photos = str(tmp_path / "photos")
    assert data_task(photos).key != data_task(photos, image_size=(8, 9)).key
    assert data_task(photos, image_size=(8, 9)).key != data_task(photos, image_size=(9, 8)).key


def test_data_that_does_not_exist_is_told_before_anything_runs():
    with pytest.raises(DataError, match="there is no data 'digit' \\(did you mean 'digits'"):
        data_task("digit")


def test_data_that_is_broken_or_wrongly_asked_for_leaves_no_result(file, tmp_path):
    task = data_task(str(file), full=True)
    with pytest.raises(UsageError, match="--full is for fashion-mnist"):
        toy_workers.result(task, tmp_path / "ws")
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataError, match="toy.npz"):
        toy_workers.result(data_task(str(file)), tmp_path / "ws")
    assert not list((tmp_path / "ws").glob("store/*/*"))


def test_names_of_the_classes_come_from_a_file(file, tmp_path):
    (tmp_path / "labels.txt").write_text("zero\n\none\n")
    dataset = Dataset.open(toy_workers.result(data_task(str(file)), tmp_path / "ws").folder)
    names = tmp_path / "labels.txt"
    names.write_text("\n".join(f"class {n}" for n in range(dataset.classes)))
    found = toy_workers.result(data_task(str(file), labels=str(names)), tmp_path / "ws")
    assert Dataset.open(found.folder).labels[0] == "class 0"
    names.write_text("only one")
    with pytest.raises(DataError, match="names 1 classes, the data has"):
        toy_workers.result(data_task(str(file), labels=str(names)), tmp_path / "ws")
    names.write_text("\n")
    with pytest.raises(DataError, match="names no class"):
        data_task(str(file), labels=str(names))
