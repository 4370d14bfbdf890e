from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest
import sample_bundle

from converters.errors import ModelError
from pipeline.bundle import is_archive, open_bundle, unpacked, write_bundle


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("top", ["", "fashion-cnn/"])
def test_a_bundle_in_an_archive(tmp_path: Path, top: str) -> None:
    folder = write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "out")
    files = {top + p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    path = zipped(tmp_path / "b.zip", files)
    assert is_archive(path)
    with unpacked(path) as found:
        assert open_bundle(found).labels == sample_bundle.LABELS
    assert not found.exists()


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "c:/evil", "a\\..\\evil"])
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "b.zip", {"manifest.json": b"{}", name: b"x"})
    with pytest.raises(ModelError, match="leads out of the archive; do not use it"), unpacked(path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["b.zip"]


def test_links(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("labels.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ModelError, match=r"'labels.txt' leads out"), unpacked(tmp_path / "b.zip"):
        pass


def test_an_empty_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", {})
    with pytest.raises(ModelError, match="is an empty .zip; copy the whole bundle again"), unpacked(path):
        pass


def test_a_name_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("manifest.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("manifest.json", "{ }")
    with pytest.raises(ModelError, match=r"holds 'manifest.json' twice"), unpacked(tmp_path / "b.zip"):
        pass


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all" * 9])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as a .zip"), unpacked(tmp_path / "b.zip"):
        pass


def test_an_entry_that_says_4_gb(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", {"manifest.json": b"{}" * 50})
    data = path.read_bytes()
    said = struct.pack("<I", 0xFFFFFFFE)
    directory = data.index(b"PK\1\2")
    path.write_bytes(data[: directory + 24] + said + data[directory + 28 :])
    with pytest.raises(ModelError, match=r"unpacks to 4,294,967,294 bytes, more than"), unpacked(path):
        pass
