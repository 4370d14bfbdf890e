"""scikit-learn's handwritten digits: 1,797 grey images of 8x8, for quick tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from converters.errors import UnavailableError
from pipeline.datasets.dataset import IMAGE, Dataset, Split
from pipeline.datasets.split import stratified
from pipeline.store import file_sha256

NAME = "digits"
_TEST_SHARE = 0.2


def fingerprint() -> str:
    """sha256 of the file that scikit-learn keeps the digits in; scikit-learn is not imported.

    Raises:
        UnavailableError: scikit-learn is not installed.
    """
    return file_sha256(_file())


def load(seed: int) -> Dataset:
    """The digits, a fifth of each class held out as test, pixels scaled from 0..16 to 0..255.

    Raises:
        UnavailableError: scikit-learn is not installed.
    """
    table = np.loadtxt(_file(), delimiter=",", dtype=np.int64)
    images = np.round(table[:, :64].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    targets = table[:, 64]
    kept, held = stratified(targets, _TEST_SHARE, seed)
    return Dataset(
        name=NAME,
        licence="BSD-3-Clause (scikit-learn); CC-BY-4.0 (UCI, Optical Recognition of Handwritten Digits)",
        source="scikit-learn, sklearn/datasets/data/digits.csv.gz",
        labels=tuple("0123456789"),
        train=Split({IMAGE: images[kept]}, targets[kept]),
        test=Split({IMAGE: images[held]}, targets[held]),
    )


def _file() -> Path:
    spec = importlib.util.find_spec("sklearn")
    file = Path(spec.origin).parent / "datasets/data/digits.csv.gz" if spec and spec.origin else None
    if file is None or not file.is_file():
        raise UnavailableError(
            "the data set 'digits' comes with scikit-learn, which is not installed: pip install scikit-learn "
            "(or use fashion-mnist, a folder of images, or an .npz)"
        )
    return file
