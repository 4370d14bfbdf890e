"""Data sets by name or place: `fashion-mnist`, `digits`, a folder of images, an .npz file."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path

from converters.errors import DataError, UsageError
from pipeline.datasets import digits, fashion_mnist, folder, hook, npz
from pipeline.datasets.dataset import Dataset
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing
from pipeline.store import file_sha256

BUILT_IN = (fashion_mnist.NAME, digits.NAME)


def load(
    spec: str,
    *,
    full: bool = False,
    cache: Path | None = None,
    seed: int = 0,
    image_size: tuple[int, int] | None = None,
    preprocessing: Preprocessing = AS_THEY_ARE,
) -> Dataset:
    """The data set that `spec` names.

    Args:
        spec: `fashion-mnist`, `digits`, a folder of images with one sub-folder a class, or an .npz file.
        full: all of Fashion-MNIST instead of the subset that comes with the project.
        cache: where downloaded files are kept.
        seed: of the split into train and test, where the data has none.
        image_size: (height, width) that the images of a folder are resized to.
        preprocessing: of images on their way into the model; colour and resizing are done here, to a folder's.

    Raises:
        DataError: there is no such data, or it is broken or unfit.
        UsageError: an option that this data has no use for.
    """
    _check_options(spec, full, image_size)
    found = _loaded(spec, full, cache, seed, image_size, preprocessing)
    notes = (*found.notes, preprocessing.told()) if preprocessing.changes else found.notes
    return dataclasses.replace(found, preprocessing=preprocessing, notes=notes)


def _loaded(
    spec: str,
    full: bool,
    cache: Path | None,
    seed: int,
    image_size: tuple[int, int] | None,
    preprocessing: Preprocessing,
) -> Dataset:
    if spec == fashion_mnist.NAME:
        return fashion_mnist.load(full=full, cache=cache)
    if spec == digits.NAME:
        return digits.load(seed)
    path = _place(spec)
    return folder.load(path, image_size, seed, preprocessing) if path.is_dir() else npz.load(path, seed)


def fingerprint(spec: str, full: bool = False) -> str:
    """A digest that changes with the data: contents of files, paths, sizes and times of a folder.

    Raises:
        DataError: there is no such data.
    """
    if spec == fashion_mnist.NAME:
        return fashion_mnist.fingerprint(full)
    if spec == digits.NAME:
        return digits.fingerprint()
    if hook.is_hook(spec):
        return hook.fingerprint(spec)
    path = _place(spec)
    return folder.fingerprint(path) if path.is_dir() else file_sha256(path)


def _check_options(spec: str, full: bool, image_size: tuple[int, int] | None) -> None:
    if full and spec != fashion_mnist.NAME:
        raise UsageError(f"--full is for {fashion_mnist.NAME}; {spec} is always taken whole")
    if image_size and (spec in BUILT_IN or not Path(spec).is_dir()):
        raise UsageError(f"--image-size is for folders of images; the arrays of {spec} keep their size")
    if image_size and min(image_size) < 1:
        raise UsageError(f"--image-size {image_size[0]}x{image_size[1]}: give height x width in pixels, such as 96x128")


def _place(spec: str) -> Path:
    path = Path(spec).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".npz"):
        return path
    if path.is_file():
        raise DataError(
            f"the data {spec!r} is a file but no .npz; give an .npz or a folder with one sub-folder a class"
        )
    close = difflib.get_close_matches(spec, BUILT_IN, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise DataError(
        f"there is no data {spec!r}{hint}; give {' or '.join(BUILT_IN)}, the path of a folder of images with one "
        "sub-folder a class, or that of an .npz file"
    )
