"""Protocol buffers of Core ML, read and written."""

from __future__ import annotations

import numpy as np
import pytest

from converters.coreml import wire


def test_what_is_read_is_written_again_byte_by_byte() -> None:
    data = bytes.fromhex("0808 1202 3a00 b21f 0a 0801 1206 0a04 6d61696e".replace(" ", ""))
    read = wire.decode(memoryview(data), "Model")
    assert read["specificationVersion"] == 8
    assert read["mlProgram"]["functions"] == {"main": {}}
    assert read["description"] == {"?": [(0x3A, b"")]}, "a field that nobody knows is kept"
    again = wire.encode(read, "Model")
    assert wire.decode(memoryview(again), "Model") == read


def test_numbers_of_every_kind() -> None:
    fields = {"ints": {"values": [0, 1, 300, -1, -(2**31)]}, "floats": {"values": np.array([1.5, -2], np.float32)}}
    read = wire.decode(memoryview(wire.encode(fields, "TensorValue")), "TensorValue")
    assert read["ints"]["values"] == [0, 1, 300, -1, -(2**31)]
    np.testing.assert_array_equal(read["floats"]["values"], [1.5, -2])


def test_single_numbers_may_stand_for_packed_ones() -> None:
    assert wire.decode(memoryview(b"\x08\x05\x08\x07"), "Ints") == {"values": [5, 7]}


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\x08", "a number without an end"),
        (b"\x08" + b"\xff" * 11, "a number without an end"),
        (b"\x12\x7f\x00", "a field ends at byte 129 of 3"),
        (b"\x0b", "a field of wire type 3"),
    ],
)
def test_damage_is_told(data: bytes, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        wire.decode(memoryview(data), "Model")
