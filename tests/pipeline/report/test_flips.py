from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.errors import DataError
from pipeline.report.flips import flips, png

LABELS = ("cat", "dog", "owl")


def one_hot(classes: list[int], sure: float = 0.8) -> np.ndarray:
    rest = (1 - sure) / 2
    return np.eye(3)[classes] * (sure - rest) + rest


IMAGES = np.arange(4 * 2 * 3 * 1, dtype=np.uint8).reshape(4, 2, 3, 1)
REFERENCE = one_hot([0, 1, 2, 0])
TARGETS = np.array([0, 1, 2, 1])


def test_a_flip_says_what_changed() -> None:
    (flip,) = flips({"a@x": one_hot([0, 2, 2, 0], 0.9)}, REFERENCE, TARGETS, IMAGES, LABELS)
    assert (flip.cell, flip.also, flip.sample) == ("a@x", (), 1)
    assert (flip.label, flip.reference, flip.predicted) == ("dog", "dog", "owl")
    assert (flip.reference_probability, flip.predicted_probability) == pytest.approx((0.8, 0.9))


def test_the_same_flip_of_several_cells_is_one() -> None:
    scores = {"a": one_hot([1, 1, 2, 0]), "b": one_hot([1, 1, 2, 0]), "c": one_hot([2, 1, 2, 0])}
    found = flips(scores, REFERENCE, TARGETS, IMAGES, LABELS)
    assert [(flip.cell, flip.also, flip.predicted) for flip in found] == [("a", ("b",), "dog"), ("c", (), "owl")]


def test_every_cell_is_shown_before_the_limit() -> None:
    broken = one_hot([1, 2, 0, 1], 0.99)
    quiet = one_hot([2, 1, 2, 0], 0.5)
    found = flips({"broken": broken, "quiet": quiet}, REFERENCE, TARGETS, IMAGES, LABELS, limit=2)
    assert {flip.cell for flip in found} == {"broken", "quiet"}


def test_logits_become_probabilities() -> None:
    scores = np.log(one_hot([1, 1, 2, 0]))
    (flip,) = flips({"a": scores}, np.log(REFERENCE), TARGETS, IMAGES, LABELS, logits=True)
    assert (flip.reference_probability, flip.predicted_probability) == pytest.approx((0.8, 0.8))


def test_a_class_without_a_name_is_called_by_its_number() -> None:
    (flip,) = flips({"a": one_hot([0, 2, 2, 0])}, REFERENCE, TARGETS, IMAGES, LABELS[:2])
    assert (flip.reference, flip.predicted) == ("dog", "class 2")


def test_nothing_flips() -> None:
    assert flips({"a": REFERENCE}, REFERENCE, TARGETS, IMAGES, LABELS) == ()
    assert flips({"a": np.full((4, 3), np.nan)}, REFERENCE, TARGETS, IMAGES, LABELS) == ()
    assert flips({}, REFERENCE, TARGETS, IMAGES, LABELS) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": {"a": REFERENCE[:3]}}, r"a has shape \(3, 3\); 4 samples of 3 classes"),
        ({"reference": TARGETS}, "reference has shape"),
        ({"targets": TARGETS[:3]}, r"4 predictions, but targets \(3,\)"),
        ({"targets": np.array([0, 1, 2, 3])}, "targets go from 0 to 3; there are 3 classes"),
        ({"images": IMAGES[:2]}, "2 images"),
        ({"images": IMAGES.astype(np.float32)}, "images are float32"),
        ({"images": np.zeros((4, 2, 2, 2), np.uint8)}, "1 or 3"),
    ],
)
def test_arrays_that_do_not_belong_together(change: dict[str, Any], message: str) -> None:
    given = {"scores": {"a": REFERENCE}, "reference": REFERENCE, "targets": TARGETS, "images": IMAGES, "labels": LABELS}
    with pytest.raises(DataError, match=message):
        flips(**{**given, **change})


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_tiny_images_are_enlarged_pixel_by_pixel() -> None:
    picture = opened(png(IMAGES[0]))
    assert picture.size == (96, 64)
    assert np.array_equal(np.asarray(picture)[::32, ::32], IMAGES[0][..., 0])


def test_large_and_coloured_images() -> None:
    assert opened(png(np.zeros((500, 1000, 3), np.uint8))).size == (224, 112)
    assert opened(png(np.zeros((100, 100, 3), np.uint8))).mode == "RGB"
