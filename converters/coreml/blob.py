"""`weight.bin` of a Core ML package: the numbers that are too many for the program itself.

A header of 64 bytes (how many, version 2), then of each constant 64 bytes of metadata and its values. The program names
a constant by the place of its metadata. Format: `MILBlob/Blob/StorageFormat.hpp` of coremltools.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.errors import ModelError

ALIGNMENT = 64
_HEADER = struct.Struct("<II")
_METADATA = struct.Struct("<IIQQQ")  # sentinel, type, bytes, place of the values, bits left over at their end
_SENTINEL = 0xDEADBEEF
TYPES = {
    1: "float16",
    2: "float32",
    3: "uint8",
    4: "int8",
    5: "bfloat16",
    6: "int16",
    7: "uint16",
    8: "int4",
    9: "uint1",
    10: "uint2",
    11: "uint4",
    12: "uint3",
    13: "uint6",
    14: "int32",
    15: "uint32",
}
"""Type of the format -> its name here."""
BITS = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}
"""Types of less than a byte: packed one behind the other, the lowest bits first."""


class Blob:
    """The values of one file, read when they are asked for."""

    def __init__(self, path: Path) -> None:
        try:
            size = path.stat().st_size
            self._data = memoryview(np.memmap(path, np.uint8, "r")) if size else memoryview(b"")  # type: ignore[arg-type]
        except OSError as error:
            raise ModelError(f"its weights are missing: {path.name} cannot be read") from error
        if size < ALIGNMENT or _HEADER.unpack_from(self._data)[1] != 2:
            raise ModelError(f"{path.name} is no weight file of version 2 ({size} bytes)")
        self.name = path.name

    def read(self, offset: int, dtype: str, shape: Sequence[int]) -> np.ndarray:
        """The values at `offset`; int4 and the like in int8 or uint8, bfloat16 in float32.

        Raises:
            ModelError: there are no values of that type and shape.
        """
        count = int(np.prod(shape, dtype=np.int64))
        if offset < 0 or offset + _METADATA.size > len(self._data):
            raise ModelError(f"{self.name} is truncated: the program wants byte {offset} of {len(self._data)}")
        sentinel, kind, size, start, _ = _METADATA.unpack_from(self._data, offset)
        if sentinel != _SENTINEL:
            raise ModelError(f"{self.name} has no values at byte {offset}")
        if TYPES.get(kind) != dtype:
            raise ModelError(f"{self.name} holds {TYPES.get(kind, f'type {kind}')} at byte {offset}, not {dtype}")
        if start + size > len(self._data):
            raise ModelError(f"{self.name} is truncated: values end at byte {start + size} of {len(self._data)}")
        if size != (count * bits_of(dtype) + 7) // 8:
            raise ModelError(f"{self.name} holds {size} bytes at {offset}, not {count} values of {dtype}")
        return unpack(self._data[start : start + size], dtype, count).reshape(shape)


def bits_of(dtype: str) -> int:
    """How many bits one value takes in a file."""
    return BITS.get(dtype) or (16 if dtype == "bfloat16" else 8 * np.dtype(dtype).itemsize)


def unpack(data: memoryview, dtype: str, count: int) -> np.ndarray:
    """`count` values from their bytes in a file."""
    if dtype == "bfloat16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    if dtype not in BITS:
        return np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))[:count]
    bits = BITS[dtype]
    rows = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits, bitorder="little").reshape(count, bits)
    values = rows @ (1 << np.arange(bits, dtype=np.uint8))
    return np.where(values > 7, values.astype(np.int16) - 16, values).astype(np.int8) if dtype == "int4" else values


def pack(values: np.ndarray, dtype: str) -> bytes:
    """The bytes of values in a file, as `unpack` reads them."""
    if dtype == "bfloat16":
        return (np.ascontiguousarray(values, np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    if dtype not in BITS:
        return np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()
    rows = values.reshape(-1, 1).astype(np.uint8) >> np.arange(BITS[dtype], dtype=np.uint8)
    return np.packbits(rows & 1, bitorder="little").tobytes()
