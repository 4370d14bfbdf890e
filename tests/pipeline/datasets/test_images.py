from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.errors import DataError
from pipeline.datasets import images

GRADIENT = np.arange(20 * 33, dtype=np.uint8).reshape(20, 33)


def save(folder: Path, image: Image.Image, name: str = "a.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def test_pixels_come_as_they_are_stored(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(GRADIENT))
    found = images.header(path)
    assert (found.height, found.width, found.grey) == (20, 33, True)
    np.testing.assert_array_equal(images.pixels(path, (20, 33), grey=True)[..., 0], GRADIENT)
    assert images.pixels(path, (20, 33), grey=False).shape == (20, 33, 3)


def test_a_turned_photo_is_turned_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    path = save(tmp_path, Image.fromarray(GRADIENT), exif=exif)
    found = images.header(path)
    assert (found.height, found.width, found.rotated) == (33, 20, True)
    np.testing.assert_array_equal(images.pixels(path, (33, 20), grey=True)[..., 0], np.rot90(GRADIENT, -1))


def test_transparency_is_laid_on_black(tmp_path: Path) -> None:
    pixels = np.full((4, 4, 4), 200, np.uint8)
    pixels[..., 3] = [[0], [255], [255], [255]]
    path = save(tmp_path, Image.fromarray(pixels, "RGBA"))
    assert images.header(path).alpha
    assert images.pixels(path, (4, 4), grey=False)[:2, 0, 0].tolist() == [0, 200]


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.new("P", (3, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    path = save(tmp_path, image)
    assert not images.header(path).grey
    assert images.pixels(path, (2, 3), grey=False)[0, 0].tolist() == [10, 20, 30]


def test_sixteen_bits_keep_their_upper_half(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray((GRADIENT.astype(np.uint16) << 8) + 7))
    assert images.header(path).deep
    np.testing.assert_array_equal(images.pixels(path, (20, 33), grey=True)[..., 0], GRADIENT)


def test_another_size_is_resized(tmp_path: Path) -> None:
    path = save(tmp_path, Image.new("RGB", (40, 10), (9, 8, 7)))
    found = images.pixels(path, (20, 33), grey=False)
    assert found.shape == (20, 33, 3)
    assert (found == (9, 8, 7)).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.bmp", "a.tif"])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    path = save(tmp_path, Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"{name} is .*(repair it|take it out)"):
        images.pixels(path, (64, 64), grey=False)


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"no image at all", "is not an image")])
def test_a_file_that_is_no_image_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "Käfer 1.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"Käfer 1\.png {message}"):
        images.header(tmp_path / "Käfer 1.png")


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(GRADIENT.astype(np.float32)), "a.tif")
    with pytest.raises(DataError, match="floating-point pixels have no known range"):
        images.header(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, Image.fromarray(GRADIENT))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="too large to unpack safely"):
        images.header(path)


@pytest.mark.parametrize("size", [(21, 33), (33, 21), (71, 53), (5, 200)])
def test_rows_are_resized_first_whatever_the_version_of_pillow(tmp_path: Path, size: tuple[int, int]) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (71, 53), np.uint8))
    noise.save(tmp_path / "a.png")
    rows = noise.resize((size[1], 71), Image.Resampling.BILINEAR)
    both = rows.resize(size[::-1], Image.Resampling.BILINEAR)
    assert np.array_equal(images.pixels(tmp_path / "a.png", size, grey=True)[..., 0], np.asarray(both))


@pytest.mark.parametrize(("size", "inside"), [((40, 20), (10, 5)), ((20, 40), (5, 10)), ((1, 90), (1, 10))])
def test_a_picture_that_keeps_its_sides_ratio_is_as_large_as_fits(
    tmp_path: Path, size: tuple[int, int], inside: tuple[int, int]
) -> None:
    Image.new("L", size, 200).save(tmp_path / "p.png")
    found = images.pixels(tmp_path / "p.png", (10, 10), grey=True, keep_aspect=True)[..., 0]
    rows, columns = np.nonzero(found)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == inside
    assert abs(rows.mean() - 4.5) <= 0.5 >= abs(columns.mean() - 4.5)
    assert set(np.unique(found)) <= {0, 200}
