"""Small 64-bit shared libraries, written byte by byte: what they need, offer, and how their segment is aligned."""

from __future__ import annotations

import struct

AARCH64, X86_64 = 183, 62
_HEADER, _SEGMENT = 64, 56


def library(
    exports: tuple[str, ...] = (),
    needed: tuple[str, ...] = ("libc.so",),
    *,
    machine: int = AARCH64,
    align: int = 0x4000,
    address: int = 0,
) -> bytes:
    """A library of one LOAD segment, which is all of the file, at `address` in memory."""
    texts = b"\0" + b"".join(text.encode() + b"\0" for text in (*needed, *exports, "undefined"))
    places = {text: texts.index(b"\0" + text.encode() + b"\0") + 1 for text in (*needed, *exports, "undefined")}
    symbols = bytes(24) + b"".join(struct.pack("<IBBHQQ", places[name], 0x12, 0, 1, 0, 0) for name in exports)
    symbols += struct.pack("<IBBHQQ", places["undefined"], 0x12, 0, 0, 0, 0)
    count = len(exports) + 2
    hashes = struct.pack("<II", 1, count)
    start = _HEADER + 2 * _SEGMENT
    at_strings, at_symbols = start, start + len(texts)
    at_hash = at_symbols + len(symbols)
    at_dynamic = at_hash + len(hashes)
    tags = [(1, places[name]) for name in needed]
    tags += [(5, address + at_strings), (6, address + at_symbols), (4, address + at_hash), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *pair) for pair in tags)
    size = at_dynamic + len(dynamic)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, address, address, size, size, align)
    places_of = (at_dynamic, address + at_dynamic, address + at_dynamic)
    pointer = struct.pack("<IIQQQQQQ", 2, 6, *places_of, len(dynamic), len(dynamic), 8)
    return header + load + pointer + texts + symbols + hashes + dynamic
