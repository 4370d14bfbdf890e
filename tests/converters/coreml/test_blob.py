"""weight.bin: types, places, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mil_files import MilFile

from converters.coreml.blob import Blob, pack, unpack
from converters.errors import ModelError


def _file(path: Path, file: MilFile) -> Blob:
    path.write_bytes(file.blob)
    return Blob(path)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6])
def test_small_integers_are_packed_lowest_bits_first(bits: int) -> None:
    values = np.arange(11) % 2**bits
    packed = pack(values.astype(np.uint8), f"uint{bits}")
    whole = sum(int(v) << (bits * i) for i, v in enumerate(values))
    assert int.from_bytes(packed, "little") == whole
    np.testing.assert_array_equal(unpack(memoryview(packed), f"uint{bits}", 11), values)


def test_int4_has_a_sign_and_bfloat16_is_widened() -> None:
    values = np.array([-8, -1, 0, 7], np.int8)
    np.testing.assert_array_equal(unpack(memoryview(pack(values, "int4")), "int4", 4), values)
    np.testing.assert_array_equal(unpack(memoryview(pack(np.array([1.5, -2]), "bfloat16")), "bfloat16", 2), [1.5, -2])


def test_values_by_their_place(tmp_path: Path) -> None:
    file = MilFile()
    first, second = np.arange(9, dtype=np.float32), np.arange(12, dtype=np.float16).reshape(3, 4)
    offsets = [file.value(first)["blob"]["offset"], file.value(second)["blob"]["offset"]]
    blob = _file(tmp_path / "weight.bin", file)
    np.testing.assert_array_equal(blob.read(offsets[0], "float32", (9,)), first)
    np.testing.assert_array_equal(blob.read(offsets[1], "float16", (3, 4)), second)


def test_damage_is_told(tmp_path: Path) -> None:
    file = MilFile()
    offset = file.value(np.arange(9, dtype=np.float32))["blob"]["offset"]
    blob = _file(tmp_path / "weight.bin", file)
    for place, dtype, shape, match in (
        (offset, "float16", (9,), "holds float32 at byte 64, not float16"),
        (offset, "float32", (8,), "holds 36 bytes at 64, not 8 values of float32"),
        (offset + 64, "float32", (9,), "has no values at byte 128"),
        (10**6, "float32", (9,), "is truncated: the program wants byte 1000000"),
    ):
        with pytest.raises(ModelError, match=match):
            blob.read(place, dtype, shape)
    (tmp_path / "short.bin").write_bytes(file.blob[:140])
    with pytest.raises(ModelError, match="is truncated: values end at byte 164 of 140"):
        Blob(tmp_path / "short.bin").read(offset, "float32", (9,))
    (tmp_path / "empty.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"no weight file of version 2 \(0 bytes\)"):
        Blob(tmp_path / "empty.bin")
    with pytest.raises(ModelError, match="its weights are missing: none.bin cannot be read"):
        Blob(tmp_path / "none.bin")
