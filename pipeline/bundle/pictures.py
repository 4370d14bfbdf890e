"""Pictures of a bundle, and the tensors that this side makes of them: what proves an app's own preprocessing.

Silent differences between a phone's image code and Python's are this field's commonest bug. So the pictures have what
image code gets wrong: transparency, one channel, 16 bits, a rotation that only EXIF tells, other sizes and sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.contract import Signature, TensorSpec
from pipeline import golden
from pipeline.bundle.contents import ImageRules, SourcePicture
from pipeline.datasets import images

if TYPE_CHECKING:
    from PIL import Image

FOLDER = "golden/pictures"
TENSORS = "golden/pictures.safetensors"
KIND = "picture-tensors"
_EXIF_ORIENTATION = 0x0112
_TURNED = 6
"""The camera was held upright: the picture is turned clockwise by a quarter to be seen."""
_JPEG = {"quality": 95, "subsampling": 0}
"""Colours at full size, so that decoders differ by the rounding of a transform at most."""


def write_pictures(
    folder: Path, rules: Mapping[str, ImageRules], sources: Mapping[str, Signature]
) -> tuple[SourcePicture, ...]:
    """Writes pictures for each input that has rules, and the tensors of them in each framework's layout.

    The same rules give the same pixels. Nothing is written where there are no rules.
    """
    told: list[SourcePicture] = []
    arrays: dict[str, np.ndarray] = {}
    for name in sorted(rules):
        large = rules[name].width * rules[name].height > _LARGE
        for title, draw in _PICTURES.items():
            if large and title in _LEFT_OUT:
                continue
            path = folder / FOLDER / f"{len(told):02d}-{title}"
            exact = draw(path, rules[name])
            array = f"{name}/{path.stem}"
            told.append(SourcePicture(path.relative_to(folder).as_posix(), name, TENSORS, array, exact))
            for framework, source in sources.items():
                for spec in source.inputs:
                    if spec.name == name:
                        arrays[f"{framework}/{array}"] = _packed(tensor(path, rules[name], spec))
    if told:
        (folder / TENSORS).write_bytes(golden.serialize(arrays, {"kind": KIND, "schema_version": "1"}))
    return tuple(told)


def tensor(path: Path, rules: ImageRules, spec: TensorSpec) -> np.ndarray:
    """One call's input from a picture by the rules, in the layout and type of an input of the source model."""
    grey, size = rules.colour == "grey", (rules.height, rules.width)
    pixels = images.pixels(path, size, grey=grey, keep_aspect=rules.keep_aspect)
    low, high = rules.value_range
    values = low + pixels.astype(np.float64) * ((high - low) / 255)
    axes = {"N": 1, "H": rules.height, "W": rules.width, "C": pixels.shape[2]}
    order = ["HWC".index(letter) for letter in spec.layout if letter in "HWC"]
    left_out = [axis for axis in range(3) if axis not in order]
    turned = values.transpose([*order, *left_out])
    return np.ascontiguousarray(turned.reshape([axes[letter] for letter in spec.layout]).astype(spec.dtype))


def _packed(values: np.ndarray) -> np.ndarray:
    """Whole numbers within 0..255 as bytes, which loses nothing; a reader turns them back to the input's type."""
    small = values.astype(np.uint8)
    return small if np.array_equal(small, values) else values


def _waves(width: int, height: int, channels: int) -> np.ndarray:
    """(height, width, channels) uint8: slopes and waves of whole numbers, another one in each channel."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = []
    for channel in range(channels):
        slope = (x * (3 + 2 * channel) + y * (5 - channel)) * 256 // (3 * (width + height))
        wave = np.abs((x * 7 // (channel + 2) + y * 3) % 64 - 32)
        planes.append((slope + 2 * wave + 40 * channel) % 512)
    stacked = np.stack(planes, axis=-1)
    return np.where(stacked > 255, 511 - stacked, stacked).astype(np.uint8)


def _save(image: Image.Image, path: Path, **how: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **how)


def _image(pixels: np.ndarray) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _as_is(path: Path, rules: ImageRules) -> bool:
    _save(_image(_waves(rules.width, rules.height, 3)), path)
    return True


def _grey(path: Path, rules: ImageRules) -> bool:
    _save(_image(_waves(rules.width, rules.height, 1)), path)
    return True


def _alpha(path: Path, rules: ImageRules) -> bool:
    _save(_image(_waves(rules.width, rules.height, 4)), path)
    return True


def _wide(path: Path, rules: ImageRules) -> bool:
    _save(_image(_waves(97, 41, 3)), path)
    return (rules.width, rules.height) == (97, 41)


def _dot(path: Path, rules: ImageRules) -> bool:
    _save(_image(_waves(1, 1, 3) + np.uint8(77)), path)
    return (rules.width, rules.height) == (1, 1)


def _deep(path: Path, rules: ImageRules) -> bool:
    from PIL import Image

    high, low = _waves(53, 71, 2).astype(np.uint16).transpose(2, 0, 1)
    _save(Image.fromarray(high << 8 | low), path)
    return False  # which of the 16 bits a phone's decoder keeps is not ours to say


def _turned(path: Path, rules: ImageRules) -> bool:
    from PIL import Image

    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = _TURNED
    _save(_image(_waves(64, 40, 3)), path, exif=exif, **_JPEG)
    return False


_PICTURES: dict[str, Callable[[Path, ImageRules], bool]] = {
    "as-is.png": _as_is,
    "grey.png": _grey,
    "alpha.png": _alpha,
    "wide.png": _wide,
    "dot.png": _dot,
    "deep.png": _deep,
    "turned.jpg": _turned,
}
"""Each writes a picture, and says whether every side has to make the same of it."""
_LARGE, _LEFT_OUT = 200_000, ("as-is.png", "grey.png", "dot.png")
"""Pixels of an input beyond which a bundle keeps fewer pictures, and those which others stand in for."""
