"""Zip archives as Android wants them: written with aligned entries and no dates, read with the place of every entry."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PAGE = 16 * 1024
"""Bytes of a memory page on the newest devices; a library that is mapped from the APK starts on one."""
WORD = 4
"""What every other stored entry starts on a multiple of; Android maps the resource table so."""
MODEL = 64
"""What a stored model starts on a multiple of: a cache line, above the 16 bytes that its buffers ask for."""
EPOCH = (1980, 1, 1, 0, 0, 0)
_ALIGNED = 0xD935
"""The extra field by which Android's tools know the alignment of an entry, and keep it when they sign."""
_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True)
class Content:
    """What becomes an entry: `align` is 0 for a compressed one, else what its bytes start on a multiple of."""

    name: str
    data: bytes
    align: int = 0


@dataclass(frozen=True)
class Entry:
    """An entry of an archive: where its bytes start, and how many they are, `compressed` and not."""

    name: str
    offset: int
    stored: bool
    compressed: int
    size: int


def write(target: Path, contents: Iterable[Content]) -> None:
    """Writes the archive, the same bytes for the same contents in the same order.

    Raises:
        ValueError: two entries have one name.
    """
    names: set[str] = set()
    with target.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for content in contents:
            if content.name in names:
                raise ValueError(f"two files want to be {content.name} in the APK")
            names.add(content.name)
            info = zipfile.ZipInfo(content.name, EPOCH)
            info.external_attr = 0o644 << 16
            info.create_system = 3
            if content.align:
                info.extra = _padding(file.tell() + _LOCAL.size + len(content.name.encode()), content.align)
            else:
                info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content.data, compresslevel=9)


def _padding(start: int, align: int) -> bytes:
    """An extra field after which `start` has become a multiple of `align`."""
    head = struct.calcsize("<HHH")
    fill = -(start + head) % align
    return struct.pack("<HHH", _ALIGNED, fill + 2, align) + bytes(fill)


def entries(path: Path) -> list[Entry]:
    """Every entry in the order of the directory, with the place of its bytes."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        return [_entry(file, info) for info in archive.infolist()]


def _entry(file: BinaryIO, info: zipfile.ZipInfo) -> Entry:
    file.seek(info.header_offset)
    head = file.read(_LOCAL.size)
    *_, name, extra = _LOCAL.unpack(head)
    offset = info.header_offset + _LOCAL.size + name + extra
    stored = info.compress_type == zipfile.ZIP_STORED
    return Entry(info.filename, offset, stored, info.compress_size, info.file_size)


def unsigned(path: Path) -> bytes:
    """The archive without its APK Signing Block, as it was before `apksigner`: what two builds must have in common.

    Raises:
        zipfile.BadZipFile: it has no end.
    """
    data = path.read_bytes()
    end = data.rfind(b"PK\x05\x06")
    if end < 0:
        raise zipfile.BadZipFile(f"{path.name} is no zip archive")
    directory = int.from_bytes(data[end + 16 : end + 20], "little")
    start = directory
    if data[directory - 16 : directory] == b"APK Sig Block 42":
        start -= int.from_bytes(data[directory - 24 : directory - 16], "little") + 8
    return data[:start].rstrip(b"\0") + data[directory : end + 16] + data[end + 20 :]
