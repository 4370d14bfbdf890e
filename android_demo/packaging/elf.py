"""A shared library as the dynamic linker sees it: what it needs, what it offers, how its segments are aligned."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MACHINES = {183: "arm64-v8a", 62: "x86_64", 40: "armeabi-v7a", 3: "x86"}
"""The ABI that stands behind each machine number."""
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS, _SYMBOLS, _HASH, _GNU_HASH = 1, 5, 6, 4, 0x6FFFFEF5


class NotALibrary(ValueError):
    """The bytes are no 64-bit little-endian ELF library."""


@dataclass(frozen=True)
class Library:
    """What a shared library says of itself.

    `aligned` is the least alignment of its LOAD segments in bytes, and `congruent` whether each lies in the file as it
    does in memory, modulo that: only then can its pages be mapped.
    """

    abi: str
    needed: tuple[str, ...]
    exports: frozenset[str]
    aligned: int
    congruent: bool


@dataclass(frozen=True)
class _Segment:
    type: int
    offset: int
    address: int
    size: int
    align: int


def read(data: bytes) -> Library:
    """Reads the library.

    Raises:
        NotALibrary: it is none, or is cut off.
    """
    if len(data) < _HEADER.size or data[:6] != b"\x7fELF\x02\x01":
        raise NotALibrary("no 64-bit little-endian ELF file")
    try:
        return _read(data)
    except (struct.error, IndexError, StopIteration, ValueError) as error:
        raise NotALibrary(f"a damaged ELF file ({error})") from error


def _read(data: bytes) -> Library:
    _, _, machine, _, _, start, _, _, _, size, count, *_ = _HEADER.unpack_from(data)
    segments = [_segment(data, start + index * size) for index in range(count)]
    loads = [segment for segment in segments if segment.type == _LOAD]
    dynamic = next(segment for segment in segments if segment.type == _DYNAMIC)
    pairs = [struct.unpack_from("<QQ", data, dynamic.offset + at) for at in range(0, dynamic.size, 16)]
    pairs = pairs[: next(index for index, (tag, _) in enumerate(pairs) if not tag)]
    tags = dict(reversed(pairs))
    strings = _in_file(loads, tags[_STRINGS])
    return Library(
        MACHINES.get(machine, f"machine {machine}"),
        tuple(_text(data, strings + value) for tag, value in pairs if tag == _NEEDED),
        frozenset(_exports(data, loads, tags, strings)),
        min(segment.align for segment in loads),
        all((segment.offset - segment.address) % segment.align == 0 for segment in loads),
    )


def _segment(data: bytes, at: int) -> _Segment:
    kind, _, offset, address, _, size, _, align = _SEGMENT.unpack_from(data, at)
    return _Segment(kind, offset, address, size, max(align, 1))


def _in_file(loads: list[_Segment], address: int) -> int:
    """Where in the file lies what is at an address of memory."""
    for segment in loads:
        if segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise ValueError(f"no segment holds address {address:#x}")


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii")


def _exports(data: bytes, loads: list[_Segment], tags: dict[int, int], strings: int) -> list[str]:
    """Names of the defined symbols that other code can find."""
    table = _in_file(loads, tags[_SYMBOLS])
    found = []
    for index in range(_symbols(data, loads, tags)):
        name, info, _, section, *_ = _SYMBOL.unpack_from(data, table + index * _SYMBOL.size)
        if section and info >> 4 in (1, 2):  # defined here, and global or weak
            found.append(_text(data, strings + name))
    return found


def _symbols(data: bytes, loads: list[_Segment], tags: dict[int, int]) -> int:
    """How many dynamic symbols there are: no field says so, the hash tables imply it."""
    if _HASH in tags:
        return int(struct.unpack_from("<II", data, _in_file(loads, tags[_HASH]))[1])
    at = _in_file(loads, tags[_GNU_HASH])
    buckets, first, bloom, _ = struct.unpack_from("<4I", data, at)
    heads = at + 16 + 8 * bloom
    last = max(struct.unpack_from(f"<{buckets}I", data, heads))
    if last < first:
        return int(first)
    chains = heads + 4 * buckets
    while not struct.unpack_from("<I", data, chains + 4 * (last - first))[0] & 1:
        last += 1
    return int(last) + 1
