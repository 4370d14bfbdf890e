"""Files made by hand, byte by byte: no toolkit is needed to tell a format."""

import io
import pickle
import struct
import time
import zipfile
from pathlib import Path

import pytest

from converters.contract import Format
from converters.errors import ModelError
from converters.sniff import KINDS, sniff

WEIGHTS = bytes(range(256))


def tflite() -> bytes:
    """A Model table with one subgraph and one buffer whose 256 bytes end the file (FlatBuffers, little endian)."""
    vtable = struct.pack("<7H", 14, 12, 0, 0, 4, 0, 8)  # fields 0..4: only subgraphs (2) and buffers (4) are there
    head = struct.pack("<I4s", 24, b"TFL3") + vtable + bytes(2)  # root table at 24, its vtable at 8
    root = struct.pack("<iII", 24 - 8, 8, 12)  # vtable, subgraphs vector at 28 + 8 = 36, buffers at 32 + 12 = 44
    subgraphs = struct.pack("<II", 1, 12)  # one element, its table at 40 + 12 = 52
    buffers = struct.pack("<II", 1, 12)  # one element, its table at 48 + 12 = 60
    empty_table = struct.pack("<iHH", -4, 4, 4)  # at 52, its vtable at 56
    buffer = struct.pack("<iI", -8, 12) + struct.pack("<3H", 6, 8, 4) + bytes(2)  # at 60, vtable at 68, data at 76
    return head + root + subgraphs + buffers + empty_table + buffer + struct.pack("<I", len(WEIGHTS)) + WEIGHTS


def onnx(graph: bytes = WEIGHTS) -> bytes:
    """ir_version 10, a producer, a graph of 256 bytes, opset_import (onnx.proto, ModelProto)."""
    return b"\x08\x0a" + b"\x12\x02me" + b"\x3a\x80\x02" + graph + b"\x42\x04\x0a\x00\x10\x12"


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, b"x" * 100)
    return file.getvalue()


TORCHSCRIPT = archive("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl", "m/version")
PT2 = archive("m/models/model.json", "m/data/weights/weight_0", "m/archive_format", "m/archive_version")
KERAS = archive("metadata.json", "config.json", "model.weights.h5")
STATE_DICT = archive("m/data.pkl", "m/data/0", "m/version")
EXECUTORCH = (
    struct.pack("<I", 48) + b"ET12" + b"eh00" + struct.pack("<IQQQ", 32, 200, 256, 44) + bytes(8) + bytes(range(252))
)
"""A root table at byte 48, and behind the tables of 200 bytes a segment: 256 + 44 bytes (extended_header.h)."""
MOBILE = archive("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl", "m/bytecode.pkl", "m/version")
ORT = (
    struct.pack("<I4s", 16, b"ORTM") + struct.pack("<3H", 6, 8, 4) + bytes(2)  # root table at 16, its vtable at 8
    + struct.pack("<iI", 16 - 8, 4) + struct.pack("<I", 200) + b"6" * 200 + b"\0"  # a version of 200 letters ends it
)  # fmt: skip
WHOLE = {
    Format.TFLITE: tflite(),
    Format.ONNX: onnx(),
    Format.TORCHSCRIPT: TORCHSCRIPT,
    Format.EXECUTORCH: EXECUTORCH,
    Format.PT2: PT2,
    Format.KERAS_FILE: KERAS,
    Format.PTL: MOBILE,
    Format.ORT: ORT,
}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("format", WHOLE)
@pytest.mark.parametrize("suffix", ["right", ".bin", ""])
def test_format_is_told_by_content(tmp_path: Path, format: Format, suffix: str) -> None:
    name = f"model{format.suffix if suffix == 'right' else suffix}"
    assert sniff(write(tmp_path / name, WHOLE[format])) is format


def test_every_row_of_the_table_has_a_whole_file_here() -> None:
    assert {kind.format for kind in KINDS} == set(WHOLE)


@pytest.mark.parametrize("format", WHOLE)
def test_a_truncated_file_is_damaged_wherever_it_is_cut(tmp_path: Path, format: Format) -> None:
    whole = WHOLE[format]
    for length in range(1, len(whole), 3):
        with pytest.raises(ModelError, match=r"truncated|the name says|damaged|empty|central directory"):
            sniff(write(tmp_path / f"m{format.suffix}", whole[:length]))


@pytest.mark.parametrize("held", WHOLE)
@pytest.mark.parametrize("named", WHOLE)
def test_a_suffix_that_lies_is_told_with_both_formats(tmp_path: Path, held: Format, named: Format) -> None:
    path = write(tmp_path / f"model{named.suffix}", WHOLE[held])
    if held is named:
        assert sniff(path) is held
        return
    title = {kind.format: kind.title for kind in KINDS}
    with pytest.raises(
        ModelError, match=rf"name says {title[named]}, the content is {title[held]}.*model\{held.suffix}"
    ):
        sniff(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.tflite", b"", "is empty"),
        ("m.tflite", bytes(5000), "5000 bytes of zeros"),
        ("m.tflite", struct.pack("<I", 99999) + b"TFL3" + bytes(300), "truncated: it points to byte 99999 of 308"),
        ("m.pte", EXECUTORCH[:299], "damaged ExecuTorch file: truncated: it needs 300 bytes and 299 are there"),
        ("m.pte", struct.pack("<I", 4000) + b"ET12" + bytes(99), "it needs 4000 bytes and 107 are there"),
        ("m.onnx", b"\x08\x0a" + b"\x3a\x00" + b"\x42\x00", "its graph is empty"),
        ("m.onnx", onnx() + b"\xff\xff\xff", "truncated|which no model has"),
        ("m.pt", STATE_DICT, "torch.save archive without code: a pickle can run code"),
        ("m.pt", TORCHSCRIPT[:300], "without its central directory: truncated"),
        ("m.pth", pickle.dumps({"w": [1.0]}), "a pickle can run code, so it is not loaded"),
        ("m.zip", archive("a/readme.txt"), "zip archive without a model"),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5: weights without a model"),
        ("m.safetensors", struct.pack("<Q", 10) + b'{"a":{}}  ', "safetensors: weights without a model"),
        ("m.tflite", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("m.onnx", b"<!DOCTYPE html><html>404</html>", "a web page, not a model"),
        ("m.tflite", b"\x1f\x8b\x08\x00", "gzip; unpack it first"),
        ("m.onnx", b"hello, I am a text", r"name says ONNX, but its 18 bytes begin with b'hello, I'.*TensorFlow Lite"),
        ("m.txt", b"hello", r"no known model file.*\.tflite.*TorchScript.*ONNX"),
    ],
)
def test_what_is_no_model_is_named_with_what_to_do(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        sniff(write(tmp_path / name, content))


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        sniff(tmp_path / "nothing.onnx")
    with pytest.raises(ModelError, match=r"a folder without saved_model.pb .* Known formats: TensorFlow Lite"):
        sniff(tmp_path)
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner" / "saved_model.pb", b"x")
    with pytest.raises(ModelError, match="do you mean .*inner"):
        sniff(tmp_path)


def test_a_saved_model_is_whole(tmp_path: Path) -> None:
    graph = write(tmp_path / "saved_model.pb", b"")
    with pytest.raises(ModelError, match=r"saved_model.pb is empty"):
        sniff(tmp_path)
    graph.write_bytes(b"x")
    assert sniff(tmp_path) is Format.SAVEDMODEL
    (tmp_path / "variables").mkdir()
    write(tmp_path / "variables" / "variables.data-00000-of-00001", b"x")
    with pytest.raises(ModelError, match="variables are not whole"):
        sniff(tmp_path)
    write(tmp_path / "variables" / "variables.index", b"x")
    assert sniff(tmp_path) is Format.SAVEDMODEL


def test_an_old_keras_file_is_cut_nowhere(tmp_path: Path) -> None:
    head = b"\x89HDF\r\n\x1a\n" + bytes([0]) + bytes(31)
    whole = head + struct.pack("<Q", 100) + b"model_config".ljust(52, b"x")
    assert sniff(write(tmp_path / "m.h5", whole)) is Format.KERAS_FILE
    with pytest.raises(ModelError, match="truncated: it needs 100 bytes and 99 are there"):
        sniff(write(tmp_path / "m.h5", whole[:99]))


def test_a_gigabyte_of_zeros_is_judged_at_once(tmp_path: Path) -> None:
    path = tmp_path / "zeros.tflite"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    start = time.monotonic()
    with pytest.raises(ModelError, match="1073741824 bytes of zeros"):
        sniff(path)
    assert time.monotonic() - start < 1


def test_a_file_made_to_waste_time_is_given_up(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(ModelError, match="name says ONNX"):
        sniff(write(tmp_path / "m.onnx", b"\x08\x01" * 5_000_000))
    assert time.monotonic() - start < 1
