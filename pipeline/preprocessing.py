"""What is done to the pixels of images before a model takes them, where the model does not do it itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.errors import ConfigError, DataError

COLOURS = ("", "rgb", "bgr", "grey")
RESIZES = ("stretch", "fit")
_WHITE = 255


@dataclass(frozen=True)
class Preprocessing:
    """Pixels 0..255 become (pixel * scale - mean) / std.

    `mean` and `std` hold one number for all channels, or one for each in the order of `colour`, which is rgb, bgr or
    grey; empty: as the images are. `resize` stretches images, or fits them into the size, in the middle of black.

    Raises:
        ConfigError: a value that none of them can have.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    colour: str = ""
    resize: str = RESIZES[0]

    def __post_init__(self) -> None:
        for key, known in (("colour", COLOURS[1:]), ("resize", RESIZES)):
            found = getattr(self, key)
            if found and found not in known:
                raise ConfigError(f"[preprocessing] {key} = {found!r}: it is one of {', '.join(known)}")
        numbers = (self.scale, *self.mean, *self.std)
        if not all(math.isfinite(number) for number in numbers) or 0 in (self.scale, *self.std):
            raise ConfigError("[preprocessing] scale, mean and std are finite numbers, scale and std not 0")
        sizes = {len(self.mean), len(self.std)} - {1}
        if sizes - {3} or (sizes and self.colour == "grey"):
            raise ConfigError(
                f"[preprocessing] mean and std hold one number, or one for each channel; found {len(self.mean)} and "
                f"{len(self.std)}"
            )

    @property
    def changes(self) -> bool:
        """Whether any value that goes into the model is another than the pixel's."""
        plain = (self.scale, set(self.mean), set(self.std)) == (1.0, {0.0}, {1.0})
        return not plain or self.colour == "bgr"

    def told(self) -> str:
        """What becomes of pixels, in words."""
        mean, std = (" ".join(f"{number:g}" for number in numbers) for numbers in (self.mean, self.std))
        turned = "; channels blue, green, red" if self.colour == "bgr" else ""
        return f"pixels go in as (pixel * {self.scale:g} - {mean}) / {std}{turned}"

    @property
    def value_range(self) -> tuple[float, float] | None:
        """What black and white become; None where that is not the same in every channel, or the channels turn."""
        if len(set(self.mean)) > 1 or len(set(self.std)) > 1 or self.colour == "bgr":
            return None
        return -self.mean[0] / self.std[0], (_WHITE * self.scale - self.mean[0]) / self.std[0]

    def applied(self, pixels: np.ndarray, axis: int) -> np.ndarray:
        """Stacked uint8 images as float32, with the channels along `axis`.

        Raises:
            DataError: another number of channels than `mean` and `std` have.
        """
        channels = pixels.shape[axis]
        shape = [-1 if place == axis % pixels.ndim else 1 for place in range(pixels.ndim)]
        mean, std = (np.reshape(numbers, shape) for numbers in (self.mean, self.std))
        for numbers in (mean, std):
            if numbers.size not in (1, channels):
                raise DataError(
                    f"[preprocessing] names {numbers.size} channels, the images have {channels} (1 is grey, 3 is "
                    "colour); say colour = 'rgb' or 'grey', or one number for all"
                )
        if self.colour == "bgr":
            pixels = np.flip(pixels, axis)
        made = np.empty(pixels.shape, np.float32)
        for row, picture in enumerate(pixels):  # one by one: float64 of all would be eight times the images
            made[row] = (picture * self.scale - mean[0]) / std[0]
        return made


AS_THEY_ARE = Preprocessing()


def from_json(data: Mapping[str, Any]) -> Preprocessing:
    """What `dataclasses.asdict` and JSON made of it."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return Preprocessing(**values)
