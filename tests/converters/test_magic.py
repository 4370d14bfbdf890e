"""Where bytes are read that lie: the tables of `converters.sniff` are tested there, with whole and cut files."""

import mmap
import struct
from pathlib import Path

import pytest

from converters import magic


def seen(path: Path, content: bytes) -> magic.View:
    path.write_bytes(content)
    with path.open("rb") as file:
        return magic.View(path, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def test_a_table_that_points_outside_is_truncated(tmp_path: Path) -> None:
    view = seen(tmp_path / "m.tflite", struct.pack("<I4s", 4000, b"TFL3"))
    assert magic.tflite_damage(view).startswith("truncated: it points to byte 4000 of 8")


@pytest.mark.parametrize(("version", "place"), [(0, 40), (2, 28)])
def test_the_superblock_of_hdf5_says_where_it_ends(tmp_path: Path, version: int, place: int) -> None:
    head = magic.HDF5 + bytes([version])
    whole = head.ljust(place, b"\0") + struct.pack("<Q", place + 8)
    assert not magic.keras_damage(seen(tmp_path / "m.h5", whole))
    longer = head.ljust(place, b"\0") + struct.pack("<Q", place + 9)
    assert (
        magic.keras_damage(seen(tmp_path / "m.h5", longer))
        == f"truncated: it needs {place + 9} bytes and {place + 8} are there"
    )
    assert "its superblock has the version 9" in magic.keras_damage(seen(tmp_path / "m.h5", magic.HDF5 + b"\x09" * 99))


def test_names_of_a_broken_archive_are_none(tmp_path: Path) -> None:
    assert seen(tmp_path / "m.pt", b"PK\x03\x04" + bytes(9)).members() == set()
