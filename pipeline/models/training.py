"""How a reference model is trained, whatever the framework: options, learning rate, order and variation of samples."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from converters.errors import ConfigError, DataError
from pipeline.datasets.dataset import IMAGE, Dataset
from pipeline.datasets.split import stratified

_FEWEST_BATCHES = 8  # small data sets get smaller batches, so that an epoch has several steps
_SMALLEST_BATCH = 8


@dataclass(frozen=True)
class TrainOptions:
    """The keys of `[training]` in configs/models/*.toml.

    `epochs` is raised where it takes more to reach `min_steps` steps. `warmup` is the share of the steps in which
    the learning rate climbs; it falls as a cosine afterwards. `validation` is the share of the training samples held
    out to choose the best epoch; training stops when it has not improved for `patience` (a share of the epochs).
    `flip` mirrors half of the images left to right, `shift` moves them by up to so many pixels.

    Raises:
        ConfigError: a value that training cannot use.
    """

    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 0.2
    warmup: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.05
    flip: bool = False
    shift: int = 1
    validation: float = 0.1
    patience: float = 0.5
    min_steps: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        for item in fields(self):
            value, wanted = getattr(self, item.name), str(item.type)
            fits = {"bool": {"bool"}, "int": {"int", "float"}, "float": {"float"}}.get(type(value).__name__, set())
            if wanted not in fits:
                raise ConfigError(f"training option {item.name} must be {item.type}, got {value!r}")
        least = {"epochs": 1, "batch_size": 2, "learning_rate": 1e-12, "shift": 0, "min_steps": 0, "seed": 0}
        shares = ("warmup", "momentum", "label_smoothing", "validation")
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ConfigError(f"training option {name} must be {smallest} or more, got {getattr(self, name)}")
        for name in shares:
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"training option {name} must lie in 0 <= x < 1, got {getattr(self, name)}")
        if self.patience <= 0 or self.weight_decay < 0:
            raise ConfigError("training option patience must be above 0, and weight_decay 0 or more")


def parse(options: Mapping[str, Any]) -> TrainOptions:
    """Options from a configuration table.

    Raises:
        ConfigError: an unknown key, or a value of the wrong kind.
    """
    known = [item.name for item in fields(TrainOptions)]
    for key in options:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ConfigError(f"unknown training option {key!r}{hint}; known are {', '.join(known)}")
    return TrainOptions(**options)


@dataclass(frozen=True)
class Plan:
    """Which samples are trained on, and in how many steps. Images are (n, H, W, C) uint8, targets (n,) int64."""

    options: TrainOptions
    images: np.ndarray
    targets: np.ndarray
    held_images: np.ndarray  # chooses the best epoch; empty when every class has one sample only
    held_targets: np.ndarray
    batch: int
    steps: int  # in one epoch
    epochs: int

    def learning_rate(self, step: int) -> float:
        """The rate of a step, counted from 0 over all epochs: a linear climb, then half a cosine."""
        progress = (step + 1) / (self.steps * self.epochs)
        if progress < self.options.warmup:
            return self.options.learning_rate * progress / self.options.warmup
        rest = (progress - self.options.warmup) / (1 - self.options.warmup)
        return self.options.learning_rate * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))

    def batches(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of an epoch, a function of the seed and the epoch alone; a rest too small for one is left out."""
        random = np.random.default_rng([self.options.seed, epoch])
        order = random.permutation(len(self.images))
        for step in range(self.steps):
            rows = order[step * self.batch : (step + 1) * self.batch]
            yield self._varied(self.images[rows], random), self.targets[rows]

    def _varied(self, images: np.ndarray, random: np.random.Generator) -> np.ndarray:
        count, height, width, _ = images.shape
        if self.options.flip:
            chances = random.random((count, 1, 1, 1))
            images = np.where(chances < 0.5, images[:, :, ::-1], images)
        shift = self.options.shift
        if shift:
            padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="edge")
            down, right = random.integers(0, 2 * shift + 1, (2, count))
            rows = down[:, None, None] + np.arange(height)[None, :, None]
            columns = right[:, None, None] + np.arange(width)[None, None, :]
            images = padded[np.arange(count)[:, None, None], rows, columns]
        return images


def plan(dataset: Dataset, options: TrainOptions) -> Plan:
    """The training of a data set.

    Raises:
        DataError: it has no images or no labels to train on.
    """
    train = dataset.train
    if train is None or train.targets is None:
        raise DataError(f"{dataset.name} has no labelled training samples; add labels, or bring a trained model")
    dataset.image_shape  # noqa: B018 - says what is wrong where there are no images
    targets = np.asarray(train.targets, np.int64)
    kept, held = np.arange(len(targets)), np.zeros(0, np.int64)
    if options.validation:
        kept, held = stratified(targets, options.validation, options.seed)
    images = train.inputs[IMAGE]
    count = len(kept)
    batch = min(options.batch_size, max(_SMALLEST_BATCH, count // _FEWEST_BATCHES), count)
    steps = count // batch
    epochs = max(options.epochs, math.ceil(options.min_steps / steps))
    return Plan(options, images[kept], targets[kept], images[held], targets[held], batch, steps, epochs)
