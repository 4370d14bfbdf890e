from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from converters.errors import ModelError, UnavailableError
from converters.executorch import flatbuffer
from converters.executorch.flatbuffer import decode

pytestmark = pytest.mark.torch  # ExecuTorch brings flatbuffers

SCHEMA = """
include "other.fbs";
// A comment: table Wrong { x: int; }
namespace tests;
file_identifier "TS01";
enum Colour : byte { RED = 0, BLUE = 3, }
table Leaf { value: float; name: string; }
table Other { colour: Colour = BLUE; }
union Any { Leaf, Renamed: Other }
table Root {
  version: uint;   // 4
  any: Any;        // two slots
  numbers: [long];
  blob: [ubyte] (force_align: 16);
  leaves: [Leaf];
  on: bool = true;
  size: Size;
  gone: int (deprecated);
}
root_type Root;
"""


@pytest.fixture
def schema(tmp_path: Path) -> flatbuffer.Schema:
    (tmp_path / "root.fbs").write_text(SCHEMA)
    (tmp_path / "other.fbs").write_text("enum Size : short { SMALL, LARGE }")
    return flatbuffer._parse(tmp_path / "root.fbs")


def built() -> bytes:
    """A Root by the official builder: any is a Renamed (colour BLUE left out), numbers, a blob and two leaves."""
    import flatbuffers

    builder = flatbuffers.Builder(0)
    names = [builder.CreateString("a"), builder.CreateString("é")]
    leaves = []
    for value, name in zip((0.1, 1 / 3), names, strict=True):
        builder.StartObject(2)
        builder.PrependFloat32Slot(0, value, 0.0)
        builder.PrependUOffsetTRelativeSlot(1, name, 0)
        leaves.append(builder.EndObject())
    builder.StartVector(4, 2, 4)
    for leaf in reversed(leaves):
        builder.PrependUOffsetTRelative(leaf)
    vector = builder.EndVector()
    builder.StartVector(8, 2, 8)
    builder.PrependInt64(-1)
    builder.PrependInt64(1 << 40)
    numbers = builder.EndVector()
    blob = builder.CreateByteVector(b"\x00\x01\x02")
    builder.StartObject(1)
    other = builder.EndObject()
    builder.StartObject(9)
    builder.PrependUint32Slot(0, 7, 0)
    builder.PrependUint8Slot(1, 2, 0)
    builder.PrependUOffsetTRelativeSlot(2, other, 0)
    builder.PrependUOffsetTRelativeSlot(3, numbers, 0)
    builder.PrependUOffsetTRelativeSlot(4, blob, 0)
    builder.PrependUOffsetTRelativeSlot(5, vector, 0)
    builder.PrependInt16Slot(7, 1, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def test_every_kind_of_field(schema: flatbuffer.Schema) -> None:
    found = decode(memoryview(built()), schema, "Root")
    assert found == {
        "version": 7,
        "any": ("Renamed", {"colour": "BLUE"}),
        "numbers": [1 << 40, -1],
        "blob": b"\x00\x01\x02",
        "leaves": [
            {"value": struct.unpack("<f", struct.pack("<f", 0.1))[0], "name": "a"},
            {"value": struct.unpack("<f", struct.pack("<f", 1 / 3))[0], "name": "é"},
        ],
        "on": True,
        "size": "LARGE",
        "gone": 0,
    }


def test_damage_is_an_error_and_never_a_hang(schema: flatbuffer.Schema) -> None:
    whole, dice = built(), random.Random(0)
    refusals = []
    for _ in range(2000):
        data = bytearray(whole[: dice.randrange(4, len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            decode(memoryview(bytes(data)), schema, "Root")
        except ModelError as error:
            refusals.append(str(error))
    assert len(refusals) > 500
    assert all("damaged" in words for words in refusals)


def test_a_union_of_a_newer_schema_is_named(schema: flatbuffer.Schema) -> None:
    schema.unions["Any"].pop()
    with pytest.raises(ModelError, match="Any knows no member 2"):
        decode(memoryview(built()), schema, "Root")


def test_a_schema_that_is_not_there_says_what_to_install() -> None:
    with pytest.raises(UnavailableError, match=r"executorch/nowhere\.fbs; install it: pip install executorch"):
        flatbuffer.schema("nowhere.fbs")
