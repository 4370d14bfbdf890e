"""Data sets from a folder of images with one sub-folder a class, with or without train/ and test/ above them."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from converters.errors import DataError
from pipeline.datasets import images
from pipeline.datasets.dataset import IMAGE, Dataset, Split
from pipeline.datasets.split import stratified
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing
from pipeline.store import digest

_TRAIN = ("train", "training")
_TEST = ("test", "testing", "validation", "valid", "val")  # the first of these that is there is the test split
_TEST_SHARE = 0.2
_MOST_BYTES = 4 * 2**30
_LAYOUT = "a folder of images has one sub-folder a class: cats/1.jpg, dogs/2.jpg, ..."


@dataclass
class _Listing:
    """Image files and their class numbers, in a fixed order, and what was left out."""

    labels: tuple[str, ...]
    files: list[Path] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    ignored: int = 0


def fingerprint(folder: Path) -> str:
    """A digest of the paths, sizes and modification times of everything in a folder, contents unread."""
    rows = []
    for path in _walk(folder):
        state = path.stat() if path.exists() else path.lstat()
        rows.append([os.fsencode(path.relative_to(folder)).hex(), state.st_size, state.st_mtime_ns])
    return digest(rows)


def load(
    folder: Path, image_size: tuple[int, int] | None, seed: int, preprocessing: Preprocessing = AS_THEY_ARE
) -> Dataset:
    """The images of a folder, all of one size and one number of channels (RGB as soon as one is in colour).

    `preprocessing` may say the channels, and that images are fitted into the size instead of stretched.

    Raises:
        DataError: no images, one class, a broken image, or several sizes and no `image_size`.
    """
    train_root, test_root, unused = _roots(folder)
    train = _list(train_root, None)
    test = _list(test_root, train.labels) if test_root else None
    files = train.files + (test.files if test else [])
    headers = [images.header(file) for file in files]
    size, notes = _size(folder, headers, image_size)
    colour = preprocessing.colour
    grey = colour == "grey" if colour else all(header.grey for header in headers)
    pixels = _pixels(folder, files, size, grey, preprocessing.resize == "fit")
    targets = np.array(train.targets + (test.targets if test else []), np.int64)
    if test:
        kept, held = np.arange(len(train.files)), np.arange(len(train.files), len(files))
    else:
        if len(set(train.targets)) < 2:
            raise DataError(f"{folder} has one class only, {train.labels[0]!r}; a classifier needs two; {_LAYOUT}")
        kept, held = stratified(targets, _TEST_SHARE, seed)
        notes.append(f"{len(held)} of {len(files)} images held out as test, seed {seed}")
    notes += _what_was_done(headers, grey, train.ignored + (test.ignored if test else 0))
    notes += [f"{name}/ is not used: test images come from {test_root.name}/" for name in unused if test_root]
    return Dataset(
        name=folder.resolve().name,
        licence="unknown",
        source=folder.name,
        labels=train.labels,
        train=Split({IMAGE: pixels[kept]}, targets[kept]),
        test=Split({IMAGE: pixels[held]}, targets[held]),
        notes=tuple(notes),
    )


def _roots(folder: Path) -> tuple[Path, Path | None, list[str]]:
    """(folder of the training classes, that of the test classes or None, names of splits left unused)."""
    parts = {path.name.lower(): path for path in _subfolders(folder)}
    train = next((parts[name] for name in _TRAIN if name in parts), None)
    only_splits = bool(parts) and set(parts) <= {*_TRAIN, *_TEST}
    if train is None or not only_splits or not all(_subfolders(path) for path in parts.values()):
        return folder, None, []
    tests = [parts[name] for name in _TEST if name in parts]
    return train, tests[0] if tests else None, [path.name for path in tests[1:]]


def _list(root: Path, known: tuple[str, ...] | None) -> _Listing:
    folders = {_name(path): path for path in _subfolders(root)}
    if not folders:
        loose = sum(path.suffix.lower() in images.SUFFIXES for path in _walk(root))
        found = f"{loose} images directly in it" if loose else "nothing in it"
        raise DataError(f"{root} has no class folders, and {found}; {_LAYOUT}")
    if known is not None and set(folders) - set(known):
        strange = sorted(set(folders) - set(known))
        raise DataError(f"{root} has classes that the training images do not: {strange}; there are {list(known)}")
    listing = _Listing(known or tuple(folders))
    empty = []
    for name, path in folders.items():
        files = list(_walk(path))
        good = [file for file in files if file.suffix.lower() in images.SUFFIXES]
        listing.ignored += len(files) - len(good)
        listing.files += good
        listing.targets += [listing.labels.index(name)] * len(good)
        if not good:
            empty.append(name)
    if not listing.files:
        raise DataError(f"{root} has no images in {list(folders)} (known are {', '.join(images.SUFFIXES)}); {_LAYOUT}")
    if empty and known is None:
        raise DataError(f"{root}: the class folders {empty} hold no images; add some, or remove the folders")
    listing.ignored += sum(path.parent == root for path in _walk(root))
    return listing


def _size(
    folder: Path, headers: list[images.Header], asked: tuple[int, int] | None
) -> tuple[tuple[int, int], list[str]]:
    """((height, width) that all images get, a note where some are resized)."""
    sizes = Counter((header.height, header.width) for header in headers)
    common = sizes.most_common(1)[0][0]
    if asked is None and len(sizes) > 1:
        found = ", ".join(f"{h}x{w} ({count})" for (h, w), count in sizes.most_common(5))
        more = f" and {len(sizes) - 5} more" if len(sizes) > 5 else ""
        raise DataError(
            f"{folder}: images of {len(sizes)} sizes (height x width): {found}{more}; a model takes one: give "
            f"--image-size HxW, such as --image-size {common[0]}x{common[1]}, and they are resized"
        )
    size = asked or common
    resized = sum(count for found, count in sizes.items() if found != size)
    notes = [f"{resized} of {len(headers)} images resized to {size[0]}x{size[1]}, bilinear"] if resized else []
    return size, notes


def _pixels(folder: Path, files: list[Path], size: tuple[int, int], grey: bool, fit: bool) -> np.ndarray:
    shape = (len(files), *size, 1 if grey else 3)
    if int(np.prod(shape, dtype=np.int64)) > _MOST_BYTES:
        raise DataError(
            f"{folder}: {len(files)} images of {size[0]}x{size[1]} do not fit into memory; "
            "give a smaller --image-size HxW, or fewer images"
        )
    pixels = np.empty(shape, np.uint8)
    for row, file in enumerate(files):
        pixels[row] = images.pixels(file, size, grey=grey, keep_aspect=fit)
    return pixels


def _what_was_done(headers: list[images.Header], grey: bool, ignored: int) -> list[str]:
    counts = {
        "files that are no images left out": ignored,
        "images turned as their EXIF data says": sum(header.rotated for header in headers),
        "images with transparency laid on black": sum(header.alpha for header in headers),
        "images reduced from 16 to 8 bits": sum(header.deep for header in headers),
        "animations reduced to their first frame": sum(header.frames > 1 for header in headers),
        "grey images made RGB like the others": 0 if grey else sum(header.grey for header in headers),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def _subfolders(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.is_dir() and _visible(path)), key=_name)


def _walk(folder: Path) -> list[Path]:
    """Every visible file below a folder, in the order of their paths; a folder that links lead to twice, once."""
    found, seen = [], set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted(name for name in folders if _visible(Path(name))) if real not in seen else []
        if real in seen:
            continue
        seen.add(real)
        found += [Path(place) / name for name in files if _visible(Path(name))]
    return sorted(found, key=os.fsencode)


def _visible(path: Path) -> bool:
    return not path.name.startswith((".", "__"))


def _name(path: Path) -> str:
    """A folder's name as text that can be written anywhere."""
    return os.fsencode(path.name).decode("utf-8", "replace")
