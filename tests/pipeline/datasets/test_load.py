from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.errors import DataError, UsageError
from pipeline import datasets


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (33, 20)).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


def test_each_kind_is_told_by_its_spec(photos: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.NPZ.npz", x=np.zeros((20, 3)), y=np.arange(20) % 2)
    assert datasets.load("digits").name == "digits"
    assert datasets.load("fashion-mnist").name == "fashion-mnist"
    assert datasets.load(str(photos)).labels == ("cat", "dog")
    assert datasets.load(str(photos), image_size=(10, 12)).image_shape == (10, 12, 3)
    assert datasets.load(str(tmp_path / "mine.NPZ.npz")).classes == 2


@pytest.mark.parametrize("spec", ["digits", "fashion-mnist"])
def test_fingerprints_of_built_in_sets_are_stable(spec: str) -> None:
    assert datasets.fingerprint(spec) == datasets.fingerprint(spec)
    assert datasets.fingerprint("fashion-mnist", True) != datasets.fingerprint("fashion-mnist", False)


def test_fingerprints_follow_the_data(photos: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    first = datasets.fingerprint(str(tmp_path / "a.npz")), datasets.fingerprint(str(photos))
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    (photos / "cat" / "0.png").unlink()
    second = datasets.fingerprint(str(tmp_path / "a.npz")), datasets.fingerprint(str(photos))
    assert first[0] != second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("ask", [datasets.load, datasets.fingerprint])
def test_an_unknown_name_lists_what_exists(ask: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'fashion-mnits' \(did you mean 'fashion-mnist'\?\); give fashion-mnist or"):
        ask("fashion-mnits")  # type: ignore[operator]
    (tmp_path / "table.csv").write_text("x")
    with pytest.raises(DataError, match=r"is a file but no \.npz"):
        ask(str(tmp_path / "table.csv"))  # type: ignore[operator]


def test_options_without_a_use_are_refused(photos: Path) -> None:
    with pytest.raises(UsageError, match="--full is for fashion-mnist"):
        datasets.load("digits", full=True)
    with pytest.raises(UsageError, match="--image-size is for folders"):
        datasets.load("digits", image_size=(8, 8))
    with pytest.raises(UsageError, match="give height x width"):
        datasets.load(str(photos), image_size=(0, 8))


def test_importing_costs_no_toolkit_and_no_pillow() -> None:
    code = "import sys, pipeline.datasets; assert not {'PIL', 'sklearn', 'torch', 'keras'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
