"""Artifacts that are files, and artifacts that are folders: one digest, one size, whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from converters import content
from converters.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artifact of two files."""
    path = tmp_path / "m.mlpackage"
    (path / "Data" / "weights").mkdir(parents=True)
    (path / "Manifest.json").write_bytes(b"{}")
    (path / "Data" / "weights" / "weight.bin").write_bytes(bytes(100))
    return path


def test_the_digest_of_a_folder_is_what_sha256sum_says_of_its_sorted_files(folder: Path) -> None:
    lines = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("Data/weights/weight.bin", "Manifest.json")
    )
    assert content.sha256(folder) == hashlib.sha256(lines.encode()).hexdigest()
    assert content.size_bytes(folder) == 102


def test_a_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"abc")
    assert content.sha256(tmp_path / "m.tflite") == hashlib.sha256(b"abc").hexdigest()
    assert content.size_bytes(tmp_path / "m.tflite") == 3
    assert content.files(tmp_path / "m.tflite") == {"": tmp_path / "m.tflite"}


def test_a_changed_a_moved_and_a_new_file_change_the_digest(folder: Path) -> None:
    seen = {content.sha256(folder)}
    (folder / "Manifest.json").write_bytes(b"[]")
    seen.add(content.sha256(folder))
    (folder / "Manifest.json").rename(folder / "manifest.json")
    seen.add(content.sha256(folder))
    (folder / "more").write_bytes(b"")
    seen.add(content.sha256(folder))
    assert len(seen) == 4


def test_a_link_inside_is_refused(folder: Path) -> None:
    (folder / "Data" / "other.bin").symlink_to("/etc/hostname")
    with pytest.raises(ModelError, match="holds a link, Data/other.bin: put the file itself there"):
        content.sha256(folder)


def test_copied_replaced_and_removed_as_a_whole(folder: Path, tmp_path: Path) -> None:
    before = content.sha256(folder)
    copied = tmp_path / "copy.mlpackage"
    content.copy(folder, copied)
    content.sync(copied)
    assert content.sha256(copied) == before
    assert content.stamp(copied)[0] == 102
    (copied / "left over").write_bytes(b"")
    content.replace(folder, copied)
    assert content.sha256(copied) == before
    assert not folder.exists()
    content.remove(copied)
    assert not content.present(copied)
    content.remove(copied)


def test_an_empty_folder_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.mlpackage").mkdir()
    assert not content.present(tmp_path / "m.mlpackage")
    assert content.stamp(tmp_path / "m.mlpackage") == (0, 0)
