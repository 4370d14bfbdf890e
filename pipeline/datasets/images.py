"""Image files as pixels: what a file's header says, and its content as (H, W, C) uint8."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from converters.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_GREY_MODES = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I")
_ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
_EXIF_ORIENTATION = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)


@dataclass(frozen=True)
class Header:
    """What an image is before its pixels are read. `height` and `width` are those after its EXIF rotation."""

    height: int
    width: int
    grey: bool
    rotated: bool
    alpha: bool
    deep: bool  # more than 8 bits a channel
    frames: int


def header(path: Path) -> Header:
    """What an image file's header says.

    Raises:
        DataError: it is no image, or one that cannot be read.
    """
    with _opened(path) as image:
        if image.mode == "F":
            raise DataError(f"{path}: floating-point pixels have no known range; save the image with 8 or 16 bits")
        turn = image.getexif().get(_EXIF_ORIENTATION, 1)
        width, height = image.size[::-1] if turn in _QUARTER_TURNS else image.size
        return Header(
            height=height,
            width=width,
            grey=image.mode in _GREY_MODES,
            rotated=turn not in (0, 1),
            alpha=image.mode in _ALPHA_MODES or "transparency" in image.info,
            deep=image.mode.startswith("I"),
            frames=getattr(image, "n_frames", 1),
        )


def pixels(path: Path, size: tuple[int, int], *, grey: bool, keep_aspect: bool = False) -> np.ndarray:
    """An image as `(height, width, 1 or 3) uint8`, turned as its EXIF says and resized (bilinear) where it must be.

    Transparent pixels are laid on black; 16-bit grey keeps its upper 8 bits; of several frames, the first.
    `keep_aspect` makes it as large as fits, in the middle of black, instead of stretching it.

    Raises:
        DataError: the file is damaged.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))
        if image.mode in _ALPHA_MODES or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
        image = image.convert("L" if grey else "RGB")
        if image.size != size[::-1]:
            image = (_fitted if keep_aspect else _resized)(image, size[::-1])
        array = np.asarray(image, np.uint8)
    return array[..., None] if grey else array


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Rows first, whatever the version: Pillow 13 turns the order for tall pictures, which moves values by a step."""
    from PIL import Image

    across = image.resize((size[0], image.height), Image.Resampling.BILINEAR)
    return across.resize(size, Image.Resampling.BILINEAR)


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    from PIL import Image

    scale = min(size[0] / image.width, size[1] / image.height)
    inside = [min(max(math.floor(side * scale + 0.5), 1), most) for side, most in zip(image.size, size, strict=True)]
    whole = Image.new(image.mode, size)
    whole.paste(_resized(image, (inside[0], inside[1])), ((size[0] - inside[0]) // 2, (size[1] - inside[1]) // 2))
    return whole


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The file as a Pillow image; whatever goes wrong with it names the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities in metadata do not change pixels
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        empty = path.stat().st_size == 0
        what = "is empty" if empty else "is not an image, whatever its name says"
        raise DataError(f"{path} {what}; repair it, or take it out of the folder") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is refused, it is too large to unpack safely: {error}; make it smaller") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError) as error:
        raise DataError(f"{path} is a broken image: {error}; repair it, or take it out of the folder") from error
