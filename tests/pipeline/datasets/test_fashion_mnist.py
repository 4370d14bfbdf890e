from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converters.errors import DataError
from pipeline.datasets import fashion_mnist
from pipeline.resources import resource


@pytest.fixture
def small_originals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four .gz files of the official form with 20 made-up images, known by their checksums."""
    folder = tmp_path / "originals"
    folder.mkdir()
    sums = {}
    for part in ("train", "t10k"):
        labels = bytes(8) + bytes(range(10)) * 2
        pixels = bytes(16) + np.arange(20 * 784).astype(np.uint8).tobytes()
        for kind, content in (("images-idx3", pixels), ("labels-idx1", labels)):
            name = f"{part}-{kind}-ubyte"
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
            sums[name] = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(fashion_mnist, "CONTENT_SHA256", sums)
    return folder


def test_the_subset_comes_with_the_project() -> None:
    data = fashion_mnist.load(full=False, cache=None)
    assert data.train is not None
    assert data.train.targets is not None
    assert data.test.targets is not None
    assert np.bincount(data.train.targets).tolist() == [1000] * 10
    assert np.bincount(data.test.targets).tolist() == [200] * 10
    assert (data.image_shape, data.labels[9]) == ((28, 28, 1), "Ankle boot")
    assert resource(fashion_mnist.SUBSET).stat().st_size < 8e6


def test_no_test_image_is_trained_on() -> None:
    data = fashion_mnist.load(full=False, cache=None)
    assert data.train is not None
    train, test = ({image.tobytes() for image in s.inputs["image"]} for s in (data.train, data.test))
    assert not train & test


def test_the_whole_set_from_a_folder_of_the_users(
    small_originals: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(fashion_mnist.VARIABLE, str(small_originals))
    data = fashion_mnist.load(full=True, cache=tmp_path / "cache")
    assert data.train is not None
    assert (len(data.train), data.image_shape, data.source) == (20, (28, 28, 1), str(small_originals))
    assert data.train.inputs["image"][1, 0, :3, 0].tolist() == [16, 17, 18]


def test_the_whole_set_kept_from_an_earlier_run(small_originals: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    small_originals.rename(tmp_path / "cache" / fashion_mnist.NAME)
    assert fashion_mnist.load(full=True, cache=tmp_path / "cache").source == "kept from an earlier run"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "train-labels-idx1-ubyte.gz is missing"),
        (b"", "is not the file of Fashion-MNIST"),
        (b"not gzip", "is damaged"),
        (gzip.compress(b"other content", mtime=0), "is not the file of Fashion-MNIST: its content has sha256"),
        (gzip.compress(bytes(5000), mtime=0)[:-9], "is damaged"),
    ],
)
def test_files_of_the_user_are_checked(
    small_originals: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    victim = small_originals / "train-labels-idx1-ubyte.gz"
    victim.unlink() if content is None else victim.write_bytes(content)
    monkeypatch.setenv(fashion_mnist.VARIABLE, str(small_originals))
    with pytest.raises(DataError, match=f"{fashion_mnist.VARIABLE} names .*{message}"):
        fashion_mnist.load(full=True, cache=None)


def test_a_fetched_set_is_kept(small_originals: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fetch(cache: Path) -> Path:
        (cache / "fetch").mkdir(parents=True)
        return small_originals.rename(cache / "fetch" / "debian")

    monkeypatch.setattr(fashion_mnist, "_PACKAGE_FOLDER", "no/such/folder")
    monkeypatch.setattr(fashion_mnist, "_from_debian", fetch)
    cache = tmp_path / "cache"
    assert fashion_mnist.load(full=True, cache=cache).source.startswith("apt-get download")
    assert fashion_mnist.load(full=True, cache=cache).source == "kept from an earlier run"
    assert [path.name for path in cache.iterdir()] == [fashion_mnist.NAME]


def test_where_nothing_works_every_way_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "_PACKAGE_FOLDER", "no/such/folder")
    monkeypatch.setattr(fashion_mnist.shutil, "which", lambda name: None)
    monkeypatch.setattr(fashion_mnist.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="is not on this machine") as told:
        fashion_mnist.load(full=True, cache=tmp_path)
    for word in (fashion_mnist.VARIABLE, "apt-get and dpkg-deb are not", "Keras is not installed", "subset of 10,000"):
        assert word in str(told.value)


def test_a_failing_tool_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ended with 3: no route to host"):
        fashion_mnist._run([sys.executable, "-c", "import sys; print('no route to host'); sys.exit(3)"], tmp_path)


def test_the_script_makes_the_same_bytes_twice(
    small_originals: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = Path(resource("scripts/make_subset.py"))
    code = (
        "import runpy, sys; from pipeline.datasets import fashion_mnist as f; "
        f"f.CONTENT_SHA256 = {fashion_mnist.CONTENT_SHA256!r}; "
        f"sys.argv[1:] = [{str(small_originals)!r}, sys.argv[1]]; runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    for name in ("a.npz", "b.npz"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, capture_output=True)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
