"""live/picture.js makes of a picture what the README's Python makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.bundle import ImageRules
from pipeline.datasets import images

Script = Callable[..., Any]
RNG = np.random.default_rng(3)


def picture(width: int, height: int) -> Image.Image:
    """Something with edges, slopes and noise in three colours."""
    y, x = np.mgrid[:height, :width]
    layers = [255 * x / width, 255 * ((x + 2 * y) % 40 < 20), RNG.integers(0, 256, (height, width))]
    return Image.fromarray(np.stack(layers, -1).astype(np.uint8), "RGB")


@pytest.mark.parametrize(("colour", "mode"), [("grey", "L"), ("rgb", "RGB")])
@pytest.mark.parametrize("size", [(336, 336, 28, 28), (100, 60, 28, 20), (20, 30, 64, 48), (28, 28, 28, 28)])
def test_a_picture_becomes_what_pillow_makes_of_it(
    colour: str, mode: str, size: tuple[int, int, int, int], script: Script
) -> None:
    width, height, to_width, to_height = size
    image = picture(width, height)
    layout = "NHWC"
    found = script(
        "picture.js",
        """const { data, shape } = m.toInput({ data: tensors.pixels.data, width, height }, rules, { layout });
           return { data: Array.from(data), shape };""",
        {"pixels": np.asarray(image.convert("RGBA")).reshape(-1)},
        width=width,
        height=height,
        rules=vars(ImageRules(to_width, to_height, colour)) | {"value_range": [0, 255]},
        layout=layout,
    )
    wanted = np.asarray(image.convert(mode).resize((to_width, to_height), Image.Resampling.BILINEAR))
    got = np.reshape(found["data"], found["shape"])[0, 0].reshape(wanted.shape)
    assert found["shape"][:2] == [1, 1]
    # Canvas pixels are already grey or colour; Pillow's fixed point arithmetic may round the other way.
    assert np.abs(got - wanted).max() <= 1
    assert (got == wanted).mean() > 0.98


@pytest.mark.parametrize("size", [(100, 60, 28, 20), (60, 100, 28, 20), (20, 30, 64, 48), (1, 90, 8, 8)])
def test_a_picture_that_keeps_its_sides_ratio_lies_in_the_middle_of_black(
    size: tuple[int, int, int, int], script: Script, tmp_path: Path
) -> None:
    width, height, to_width, to_height = size
    image = picture(width, height)
    image.save(tmp_path / "p.png")
    found = script(
        "picture.js",
        """const { data } = m.toInput({ data: tensors.pixels.data, width, height }, rules, { layout: "HWC" });
           return Array.from(data);""",
        {"pixels": np.asarray(image.convert("RGBA")).reshape(-1)},
        width=width,
        height=height,
        rules={"width": to_width, "height": to_height, "colour": "rgb", "keep_aspect": True},
    )
    wanted = images.pixels(tmp_path / "p.png", (to_height, to_width), grey=False, keep_aspect=True)
    got = np.reshape(found, wanted.shape)
    assert np.abs(got - wanted).max() <= 1
    assert ((got == 0).all(axis=-1) == (wanted == 0).all(axis=-1)).mean() > 0.98


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "HWC", "CHW"])
def test_the_axes_are_the_layout_s(layout: str, script: Script) -> None:
    image = picture(6, 4)
    found = script(
        "picture.js",
        """const { data, shape } = m.toInput({ data: tensors.pixels.data, width: 6, height: 4 }, rules, { layout });
           const tensor = { data, shape };
           const shown = m.toPixels(tensor, 0, layout);
           return { data: Array.from(data), shape, shown: Array.from(shown.data), width: shown.width };""",
        {"pixels": np.asarray(image.convert("RGBA")).reshape(-1)},
        rules={"width": 6, "height": 4, "colour": "rgb"},
        layout=layout,
    )
    plain = np.asarray(image)
    order = ["HWC".index(letter) for letter in layout if letter != "N"]
    np.testing.assert_array_equal(np.reshape(found["data"], found["shape"]).squeeze(), plain.transpose(order))
    np.testing.assert_array_equal(np.reshape(found["shown"], (4, 6, 4))[..., :3], plain)
    assert found["width"] == 6


def test_values_lie_in_the_range_that_the_rules_say(script: Script) -> None:
    image = picture(6, 4)
    found = script(
        "picture.js",
        """const { data, shape } = m.toInput({ data: tensors.pixels.data, width: 6, height: 4 }, rules, { layout });
           const shown = m.toPixels({ data, shape }, 0, layout, rules.value_range);
           return { data: Array.from(data), shape, shown: Array.from(shown.data) };""",
        {"pixels": np.asarray(image.convert("RGBA")).reshape(-1)},
        rules={"width": 6, "height": 4, "colour": "rgb", "value_range": [-1.0, 1.0]},
        layout="HWC",
    )
    plain = np.asarray(image)
    np.testing.assert_allclose(np.reshape(found["data"], plain.shape), plain / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(np.reshape(found["shown"], (4, 6, 4))[..., :3], plain)


def test_layouts_are_turned_as_numpy_turns_them(script: Script) -> None:
    values = np.arange(2 * 1 * 3 * 4 * 5, dtype=np.float32).reshape(2, 1, 3, 4, 5)
    found = script(
        "bundle.js",
        "const { data, shape } = m.transposed(tensors.x, 'NCHW', 'NHWC'); return { data: Array.from(data), shape };",
        {"x": values},
    )
    np.testing.assert_array_equal(np.reshape(found["data"], found["shape"]), values.transpose(0, 1, 3, 4, 2))
