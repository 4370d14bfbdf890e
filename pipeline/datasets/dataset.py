"""A data set in the one form that every stage reads: arrays by name, class numbers and class names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays
from converters.errors import DataError
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing, from_json

META = "meta.json"
IMAGE = "image"
_KIND = "edge-export data set 1"


@dataclass(frozen=True)
class Split:
    """Samples of one purpose. Every array has the sample axis first.

    Images are `(n, H, W, C) uint8`, pixels 0..255, under the name `image`; other inputs are as they came.
    `targets` are class numbers `(n,) int64`, or None where nobody labelled the samples.
    """

    inputs: Arrays
    targets: np.ndarray | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values()), ()))


@dataclass(frozen=True)
class Dataset:
    """A named data set; what it says of itself is checked at construction.

    `labels` are the class names in the order of their numbers, none where the samples are not labelled.
    `notes` say what was done to the data on the way in: files left out, images resized, ... `preprocessing` is what
    becomes of pixels on the way into the model; they are kept as pixels here.

    Raises:
        DataError: an empty split, one class only, a class number out of range, arrays that do not fit together,
            preprocessing of what is no image.
    """

    name: str
    licence: str
    source: str
    labels: tuple[str, ...]
    train: Split | None
    test: Split
    notes: tuple[str, ...] = ()
    preprocessing: Preprocessing = AS_THEY_ARE

    def __post_init__(self) -> None:
        for title, split in self._splits().items():
            _check_arrays(f"{self.name}: the {title} split", split)
            if split.targets is not None:
                _check_targets(f"{self.name}: the {title} split", split.targets, self.labels)
        if len(set(self.labels)) != len(self.labels):
            raise DataError(f"{self.name}: two classes have the same name in {list(self.labels)}; rename one")
        shapes = [{k: (v.shape[1:], v.dtype) for k, v in split.inputs.items()} for split in self._splits().values()]
        if any(shape != shapes[0] for shape in shapes):
            raise DataError(f"{self.name}: train and test differ in names, shapes or dtypes: {shapes}")
        if self.preprocessing.changes and not any(_pixels(array) for array in self.test.inputs.values()):
            found = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in self.test.inputs.items())
            raise DataError(
                f"{self.name}: [preprocessing] is for images, (n, height, width, channels) uint8; there are {found}: "
                "leave [preprocessing] out"
            )

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where the samples are not labelled."""
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images.

        Raises:
            DataError: the data set has no images.
        """
        image = self.test.inputs.get(IMAGE)
        if image is None or image.dtype != np.uint8:
            found = ", ".join(f"{k} {v.dtype}{list(v.shape[1:])}" for k, v in self.test.inputs.items())
            raise DataError(
                f"{self.name} has no images, it has {found}; images are uint8 arrays (n, height, width, channels), "
                "pixels 0..255. Other inputs need a model of your own: file.py:function"
            )
        height, width, channels = image.shape[1:]
        return height, width, channels

    def save(self, folder: Path) -> None:
        """Writes `meta.json` and one .npy file an array into `folder`, in the same bytes for the same data."""
        folder.mkdir(parents=True, exist_ok=True)
        splits: dict[str, Any] = {}
        for title, split in self._splits().items():
            inputs = {
                name: _write(folder / f"{title}-{number}.npy", array)
                for number, (name, array) in enumerate(split.inputs.items())
            }
            targets = None if split.targets is None else _write(folder / f"{title}-targets.npy", split.targets)
            splits[title] = {"inputs": inputs, "targets": targets}
        about = {key: getattr(self, key) for key in ("name", "licence", "source", "labels", "notes")}
        about["preprocessing"] = asdict(self.preprocessing)
        text = json.dumps({"kind": _KIND, **about, "splits": splits}, indent=1)
        (folder / META).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """The data set that `save` wrote; arrays stay on disk until they are read.

        Raises:
            DataError: a file is missing or is not what `save` writes.
        """
        try:
            meta = json.loads((folder / META).read_text(encoding="utf-8"))
            if meta["kind"] != _KIND:
                raise ValueError(f"it is of kind {meta['kind']!r}")
            splits = {title: _read(folder, rows) for title, rows in meta["splits"].items()}
            return cls(
                **{key: meta[key] for key in ("name", "licence", "source")},
                labels=tuple(meta["labels"]),
                train=splits.get("train"),
                test=splits["test"],
                notes=tuple(meta["notes"]),
                preprocessing=from_json(meta["preprocessing"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{folder} is not a stored data set: {error}; load the data again") from error

    def _splits(self) -> dict[str, Split]:
        return {"test": self.test} if self.train is None else {"train": self.train, "test": self.test}


def _pixels(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 4


def _write(path: Path, array: np.ndarray) -> dict[str, str]:
    array = np.ascontiguousarray(array)
    np.save(path, array, allow_pickle=False)
    return {"file": path.name, "sha256": hashlib.sha256(array.data).hexdigest()}


def _read(folder: Path, rows: dict[str, Any]) -> Split:
    def array(row: dict[str, str]) -> np.ndarray:
        return np.load(folder / Path(row["file"]).name, mmap_mode="r", allow_pickle=False)

    return Split({name: array(row) for name, row in rows["inputs"].items()}, rows["targets"] and array(rows["targets"]))


def _check_arrays(where: str, split: Split) -> None:
    if len(split) == 0:
        raise DataError(f"{where} is empty; it needs at least one sample of each of two classes")
    lengths = {name: len(array) for name, array in split.inputs.items()}
    if split.targets is not None:
        lengths["targets"] = len(split.targets)
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where} has arrays of different lengths, {lengths}; each sample needs one row in every array")
    image = split.inputs.get(IMAGE)
    pixels = image is not None and image.dtype.kind != "f"  # floats of that name are what a model takes as they are
    if image is not None and pixels and (image.dtype != np.uint8 or image.ndim != 4 or 0 in image.shape):
        raise DataError(
            f"{where}: images must be (n, height, width, channels) uint8 with pixels 0..255, "
            f"found {image.dtype}{list(image.shape)}; convert them, or give the array another name"
        )


def _check_targets(where: str, targets: np.ndarray, labels: tuple[str, ...]) -> None:
    if targets.ndim != 1 or targets.dtype.kind not in "iu":
        raise DataError(f"{where}: labels must be (n,) integers, found {targets.dtype}{list(targets.shape)}")
    wrong = np.flatnonzero((targets < 0) | (targets >= len(labels)))
    if wrong.size:
        raise DataError(
            f"{where}: {wrong.size} labels are out of range, first {int(targets[wrong[0]])} at sample {int(wrong[0])}; "
            f"there are {len(labels)} classes, so labels go from 0 to {len(labels) - 1}"
        )
    if targets.min() == targets.max():
        raise DataError(
            f"{where} has one class only, {labels[int(targets[0])]!r} ({len(targets)} samples); "
            "a classifier needs samples of at least two"
        )
