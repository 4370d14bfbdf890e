from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.errors import DataError
from pipeline.datasets import folder


def draw(path: Path, height: int = 20, width: int = 33, *, grey: bool = False, value: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if grey else "RGB", (width, height), value if grey else (value, 0, 255 - value)).save(path)


@pytest.fixture
def insects(tmp_path: Path) -> Path:
    """Two classes with odd names, ten non-square images each."""
    for number in range(10):
        draw(tmp_path / "data" / "große Ameise" / f"bild {number}.png", value=10 + number)
        draw(tmp_path / "data" / "蜂 & wasp" / "nested" / f"{number}.JPG", value=200 + number)
    return tmp_path / "data"


def test_a_strangers_folder_becomes_a_data_set(insects: Path) -> None:
    data = folder.load(insects, None, seed=0)
    assert data.train is not None
    assert data.train.targets is not None
    assert data.labels == ("große Ameise", "蜂 & wasp")
    assert (data.image_shape, len(data.train), len(data.test)) == ((20, 33, 3), 16, 4)
    red = data.train.inputs["image"][:, 0, 0, 0]
    np.testing.assert_array_equal(red > 100, data.train.targets == 1)
    assert data.notes == ("4 of 20 images held out as test, seed 0",)


def test_train_and_test_above_the_classes_are_kept_apart(tmp_path: Path) -> None:
    for part, value in (("Train", 10), ("val", 20), ("test", 30)):
        for label in "ab":
            draw(tmp_path / part / label / "1.png", value=value)
    data = folder.load(tmp_path, None, seed=0)
    assert data.train is not None
    assert np.unique(data.train.inputs["image"][..., 0]).tolist() == [10]
    assert np.unique(data.test.inputs["image"][..., 0]).tolist() == [30]
    assert "val/ is not used: test images come from test/" in data.notes


def test_classes_called_train_and_test_are_classes(tmp_path: Path) -> None:
    for label in ("train", "test"):
        for number in range(5):
            draw(tmp_path / label / f"{number}.png")
    assert folder.load(tmp_path, None, seed=0).labels == ("test", "train")


def test_a_test_class_that_was_never_trained_is_refused(tmp_path: Path) -> None:
    for place in ("train/a", "train/b", "test/a", "test/c"):
        draw(tmp_path / place / "1.png")
    with pytest.raises(DataError, match=r"classes that the training images do not: \['c'\]"):
        folder.load(tmp_path, None, seed=0)


def test_hidden_and_other_files_are_left_out_and_counted(insects: Path) -> None:
    (insects / "große Ameise" / ".DS_Store").write_bytes(b"x")
    (insects / "große Ameise" / "notes.txt").write_text("x")
    (insects / "labels.csv").write_text("x")
    (insects / ".git").mkdir()
    (insects / "__MACOSX" / "x").mkdir(parents=True)
    data = folder.load(insects, None, seed=0)
    assert data.classes == 2
    assert "2 files that are no images left out" in data.notes


def test_grey_and_colour_together_become_rgb(insects: Path) -> None:
    draw(insects / "große Ameise" / "grey.png", grey=True)
    data = folder.load(insects, None, seed=0)
    assert data.image_shape == (20, 33, 3)
    assert "1 grey images made RGB like the others" in data.notes


def test_grey_alone_stays_grey(tmp_path: Path) -> None:
    for label in "ab":
        for number in range(5):
            draw(tmp_path / label / f"{number}.png", grey=True)
    assert folder.load(tmp_path, None, seed=0).image_shape == (20, 33, 1)


def test_several_sizes_name_the_option(insects: Path) -> None:
    draw(insects / "große Ameise" / "other.png", 40, 50)
    with pytest.raises(DataError, match=r"2 sizes .*: 20x33 \(20\), 40x50 \(1\); .*--image-size 20x33"):
        folder.load(insects, None, seed=0)
    data = folder.load(insects, (16, 24), seed=0)
    assert data.image_shape == (16, 24, 3)
    assert "21 of 21 images resized to 16x24, bilinear" in data.notes


def test_a_broken_image_is_named(insects: Path) -> None:
    (insects / "große Ameise" / "bild 3.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(DataError, match=r"bild 3\.png"):
        folder.load(insects, None, seed=0)


def test_a_broken_link_is_named(insects: Path) -> None:
    (insects / "große Ameise" / "gone.png").symlink_to(insects / "nowhere.png")
    assert folder.fingerprint(insects)
    with pytest.raises(DataError, match=r"gone\.png is a broken image"):
        folder.load(insects, None, seed=0)


def test_one_class_is_refused(tmp_path: Path) -> None:
    for number in range(5):
        draw(tmp_path / "only" / f"{number}.png")
    with pytest.raises(DataError, match="one class only, 'only'"):
        folder.load(tmp_path, None, seed=0)


def test_one_class_below_train_and_test_is_refused(tmp_path: Path) -> None:
    for place in ("train/a", "test/a"):
        draw(tmp_path / place / "1.png")
    with pytest.raises(DataError, match="one class only, 'a'"):
        folder.load(tmp_path, None, seed=0)


def test_no_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no class folders, and nothing in it; .*cats/1\.jpg"):
        folder.load(tmp_path, None, seed=0)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("x")
    with pytest.raises(DataError, match=r"no images in \['a'\]"):
        folder.load(tmp_path, None, seed=0)


def test_images_without_class_folders_are_told(tmp_path: Path) -> None:
    draw(tmp_path / "1.png")
    with pytest.raises(DataError, match="no class folders, and 1 images directly in it"):
        folder.load(tmp_path, None, seed=0)


def test_an_empty_class_folder_is_told(insects: Path) -> None:
    (insects / "zikade").mkdir()
    with pytest.raises(DataError, match=r"class folders \['zikade'\] hold no images"):
        folder.load(insects, None, seed=0)


def test_too_much_for_memory_is_told(insects: Path) -> None:
    with pytest.raises(DataError, match="do not fit into memory; give a smaller --image-size"):
        folder.load(insects, (20_000, 20_000), seed=0)


def test_links_in_a_circle_end(insects: Path) -> None:
    (insects / "große Ameise" / "again").symlink_to(insects / "große Ameise", target_is_directory=True)
    assert len(folder.load(insects, None, seed=0).test) == 4


def test_the_fingerprint_changes_with_the_files(insects: Path) -> None:
    first = folder.fingerprint(insects)
    assert folder.fingerprint(insects) == first
    image = insects / "große Ameise" / "bild 0.png"
    os.utime(image, ns=(1, 1))
    touched = folder.fingerprint(insects)
    image.rename(image.with_name("bild 00.png"))
    assert len({first, touched, folder.fingerprint(insects)}) == 3
