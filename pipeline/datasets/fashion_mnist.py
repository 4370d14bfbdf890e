"""Fashion-MNIST: 70,000 grey images of 28x28 of ten kinds of clothes (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747).

A stratified subset comes with the project; the whole set is found on the machine or fetched.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from converters.errors import DataError
from pipeline.datasets import npz
from pipeline.datasets.dataset import IMAGE, Dataset, Split
from pipeline.resources import resource
from pipeline.store import digest, file_sha256, write_atomic

NAME = "fashion-mnist"
SUBSET = "data/fashion-mnist-10k.npz"
VARIABLE = "EDGE_EXPORT_FASHION_MNIST"
LICENCE = "MIT (Zalando SE, 2017)"
LABELS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
CONTENT_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""sha256 of each file unpacked: the .gz differ between the official files and Debian's, their content does not."""
_PACKAGE = "dataset-fashion-mnist"
_PACKAGE_FOLDER = "usr/share/datasets/fashion-mnist"
_FETCH_S = 600


def fingerprint(full: bool) -> str:
    """sha256 of the subset's file, or the known digest of the whole set, which is checked when it is loaded."""
    return digest(CONTENT_SHA256) if full else file_sha256(_subset())


def load(*, full: bool, cache: Path | None) -> Dataset:
    """The subset (10,000 and 2,000 images), or the whole set (60,000 and 10,000).

    Raises:
        DataError: the whole set is nowhere on this machine and cannot be fetched.
    """
    if not full:
        subset = npz.load(_subset(), seed=0)
        return Dataset(NAME, LICENCE, SUBSET, LABELS, subset.train, subset.test)
    content, where = _whole((cache or _user_cache()).resolve())
    train, test = (_split(content, part) for part in ("train", "t10k"))
    return Dataset(NAME, LICENCE, where, LABELS, train, test)


def unpack(folder: Path) -> dict[str, bytes]:
    """The content of the four .gz files in a folder, each checked by its sha256.

    Raises:
        DataError: a file is missing, damaged or another one.
    """
    content = {}
    for name, sha256 in CONTENT_SHA256.items():
        path = folder / f"{name}.gz"
        try:
            content[name] = gzip.decompress(path.read_bytes())
        except FileNotFoundError:
            raise DataError(f"{path} is missing") from None
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is damaged: {error}") from error
        found = hashlib.sha256(content[name]).hexdigest()
        if found != sha256:
            raise DataError(f"{path} is not the file of Fashion-MNIST: its content has sha256 {found}, not {sha256}")
    return content


def _split(content: dict[str, bytes], part: str) -> Split:
    """An idx file has a header of 16 (images) or 8 bytes (labels), then one byte a value."""
    images = np.frombuffer(content[f"{part}-images-idx3-ubyte"], np.uint8, offset=16).reshape(-1, 28, 28, 1)
    targets = np.frombuffer(content[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8).astype(np.int64)
    return Split({IMAGE: images}, targets)


def _subset() -> Path:
    path = resource(SUBSET)
    if not path.is_file():
        raise DataError(f"{path} is missing; restore it from the repository, or make it: scripts/make_subset.py")
    return path


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-export"


def _whole(cache: Path) -> tuple[dict[str, bytes], str]:
    """(the four files, where they came from): what the user named, what is on the machine, what can be fetched."""
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return unpack(Path(named).expanduser()), named
        except DataError as error:
            raise DataError(
                f"{VARIABLE} names {named}, but {error}; put the four .gz files there, or unset it"
            ) from error
    kept = cache / NAME
    ways: list[tuple[str, Callable[[], Path]]] = [
        ("kept from an earlier run", lambda: kept),
        (f"Debian's package {_PACKAGE}", lambda: Path("/") / _PACKAGE_FOLDER),
        ("Keras' own folder", lambda: Path.home() / ".keras/datasets/fashion-mnist"),
        (f"apt-get download {_PACKAGE}", lambda: _from_debian(cache)),
        ("Keras' loader", lambda: _from_keras(cache)),
    ]
    failures = []
    for title, find in ways:
        try:
            folder = find()
            content = unpack(folder)
        except (DataError, OSError, subprocess.SubprocessError) as error:
            failures.append(f"  {title}: {error}")
            continue
        if kept not in (folder, *folder.parents) and cache in folder.parents:
            for name in CONTENT_SHA256:
                write_atomic(kept / f"{name}.gz", (folder / f"{name}.gz").read_bytes())
        shutil.rmtree(cache / "fetch", ignore_errors=True)
        return content, title
    raise DataError(
        "the whole of Fashion-MNIST was asked for and is not on this machine. Tried:\n" + "\n".join(failures) + "\n"
        f"Set {VARIABLE} to a folder with {', '.join(f'{name}.gz' for name in CONTENT_SHA256)}, install Debian's "
        f"package {_PACKAGE}, or go on with the subset of 10,000 images that comes with the project (without --full)"
    )


def _from_debian(cache: Path) -> Path:
    """The files of Debian's package, downloaded and unpacked below `cache`; needs no root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise DataError("apt-get and dpkg-deb are not on this machine")
    folder = _empty(cache / "fetch" / "debian")
    _run(["apt-get", "download", _PACKAGE], folder)
    package = next(iter(folder.glob("*.deb")), None)
    if package is None:
        raise DataError("apt-get wrote no package")
    _run(["dpkg-deb", "-x", str(package), "content"], folder)
    return folder / "content" / _PACKAGE_FOLDER


def _from_keras(cache: Path) -> Path:
    """The official files, fetched by Keras in a process of its own."""
    if importlib.util.find_spec("keras") is None:
        raise DataError("Keras is not installed")
    folder = _empty(cache / "fetch" / "keras")
    code = "import keras; keras.datasets.fashion_mnist.load_data()"
    _run([sys.executable, "-c", code], folder, {"KERAS_HOME": str(folder.resolve())})
    return folder / "datasets/fashion-mnist"


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _run(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_FETCH_S,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise DataError(f"{command[0]} ended with {done.returncode}: {lines[-1] if lines else 'no message'}")
