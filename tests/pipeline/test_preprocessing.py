from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from converters.contract import TensorSpec
from converters.errors import ConfigError, DataError
from pipeline import datasets
from pipeline.bundle import has_image_rules, image_rules
from pipeline.bundle.pictures import tensor
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.samples import to_samples
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing

IMAGENET = Preprocessing(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3)).astype(np.uint8)
FIRST, LAST = (
    TensorSpec("x", (1, 3, 6, 7), "float32", "NCHW", meaning="image"),
    TensorSpec("x", (1, 6, 7, 3), "float32", ""),
)


def as_torchvision(pixels):
    """What `ToTensor` and `Normalize` make of (n, H, W, C), channels first."""
    scaled = pixels.transpose(0, 3, 1, 2) / 255.0
    mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in (IMAGENET.mean, IMAGENET.std))
    return (scaled - mean) / std


@pytest.mark.parametrize("spec", [FIRST, LAST], ids=["channels first", "channels last, unnamed"])
def test_every_channel_has_its_own_mean(spec):
    found = to_samples({"image": PIXELS}, (spec,), IMAGENET)["x"]
    wanted = as_torchvision(PIXELS)
    wanted = wanted if spec is FIRST else wanted.transpose(0, 2, 3, 1)
    assert found.dtype == np.float32
    assert found.shape == (5, *spec.shape)
    np.testing.assert_allclose(found[:, 0], wanted, atol=1e-6)


def test_blue_comes_first_where_the_model_was_trained_so():
    found = to_samples({"image": PIXELS}, (FIRST,), Preprocessing(mean=(1.0, 2.0, 3.0), colour="bgr"))["x"][:, 0]
    wanted = PIXELS[..., ::-1].transpose(0, 3, 1, 2) - np.reshape([1.0, 2.0, 3.0], (1, 3, 1, 1))
    np.testing.assert_array_equal(found, wanted.astype(np.float32))


def test_without_it_pixels_stay_pixels():
    assert not AS_THEY_ARE.changes
    np.testing.assert_array_equal(to_samples({"image": PIXELS}, (LAST,))["x"][:, 0], PIXELS)


def test_channels_that_are_not_there_are_said():
    grey = TensorSpec("x", (1, 1, 6, 7), "float32", "NCHW")
    with pytest.raises(DataError, match="names 3 channels, the images have 1"):
        to_samples({"image": PIXELS[..., :1]}, (grey,), IMAGENET)


@pytest.mark.parametrize(
    "given", [{"std": (1.0, 0.0, 1.0)}, {"scale": float("nan")}, {"mean": (1.0, 2.0)}, {"resize": "crop"}]
)
def test_what_no_model_can_mean_is_refused(given):
    with pytest.raises(ConfigError, match=r"\[preprocessing\]"):
        Preprocessing(**given)


def test_arrays_that_are_no_images_are_not_scaled_in_silence(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.zeros((20, 4), np.float32), labels=np.arange(20) % 2)
    with pytest.raises(DataError, match=r"\[preprocessing\] is for images"):
        datasets.load(str(tmp_path / "d.npz"), preprocessing=IMAGENET)


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(np.roll(PIXELS[number], ord(name), 0)).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


def test_a_data_set_keeps_it_and_says_it(folder, tmp_path):
    how = Preprocessing(2 / 255, (1.0,), (1.0,), "grey", "fit")
    found = datasets.load(str(folder), image_size=(12, 12), preprocessing=how)
    found.save(tmp_path / "stored")
    again = Dataset.open(tmp_path / "stored")
    assert again.preprocessing == how
    assert "pixels go in as (pixel * 0.00784314 - 1) / 1" in again.notes
    image = again.test.inputs["image"]
    assert image.shape[1:] == (12, 12, 1)
    assert (image[:, 0] == 0).all(), "black above a picture that is wider than high"


def test_a_bundle_tells_an_app_the_same(folder):
    how = Preprocessing(2 / 255, (1.0,), (1.0,))
    spec = TensorSpec("x", (1, 3, 6, 7), "float32", "NCHW", meaning="image", limits=(-1.0, 1.0))
    assert not has_image_rules(spec), "nobody said how pixels become -1..1"
    rules = image_rules(spec, preprocessing=how)
    assert rules.value_range == (-1.0, 1.0)
    assert rules.normalisation == "in value_range"
    picture = next(folder.rglob("*.png"))
    with Image.open(picture) as opened:
        wanted = to_samples({"image": np.asarray(opened)[None]}, (spec,), how)["x"][0]
    np.testing.assert_allclose(tensor(picture, rules, spec), wanted, atol=1e-6)
    assert not has_image_rules(spec, IMAGENET), "rules have one range for all channels"
