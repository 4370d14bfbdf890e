"""The file is what docs/golden_pack.md says, byte by byte, and damage is found."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import DataError, ModelError, WorkspaceError
from converters.samples import load_samples
from pipeline import golden
from pipeline.checks.exercise import Exercise
from pipeline.checks.made_up import MadeUp
from pipeline.golden import Chosen, GoldenPack

SIGNATURE = Signature(
    (TensorSpec("image", (1, 2, 3, 1), "float32", "NHWC", meaning="image"), TensorSpec("token", (1, 2), "int32")),
    (TensorSpec("logits", (1, 4), "float32", "NC", meaning="logits"),),
)
SOURCE = Artifact(Path("m"), Format.KERAS, Precision.FP32, SIGNATURE, SIGNATURE, model="tiny", framework="tensorflow")
CHOSEN = Chosen(
    {
        "image": np.arange(18, dtype=np.float32).reshape(3, 1, 2, 3, 1),
        "token": np.arange(6, dtype=np.int32).reshape(3, 1, 2),
    },
    np.array([1, 0, -1]),
    np.array([5, 9, -1]),
)
GOLDEN_SHA256 = "8e8f9d0bc0b802e210ab44f0c4c167cc221d5c67db78b2cbda2b572bb06baaf3"
OUTPUTS = {"logits": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 1, 4)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "bundle" / golden.FILE_NAME
    golden.write(file, CHOSEN, OUTPUTS, SOURCE)
    return file


def same(left: GoldenPack, right: GoldenPack) -> bool:
    arrays = [
        (left.inputs | left.outputs | {"label": left.label, "index": left.index}),
        (right.inputs | right.outputs | {"label": right.label, "index": right.index}),
    ]
    equal = all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])
    return equal and (left.signature, left.model, left.framework) == (right.signature, right.model, right.framework)


def test_what_was_written_is_read(path: Path) -> None:
    pack = golden.read(path)
    assert same(pack, GoldenPack(CHOSEN.inputs, OUTPUTS, CHOSEN.label, CHOSEN.index, SIGNATURE, "tiny", "tensorflow"))
    assert pack.samples == 3
    assert pack.at_limits.tolist() == [False, False, True]


def test_the_same_pack_is_the_same_bytes(path: Path, tmp_path: Path) -> None:
    shuffled = Chosen(dict(reversed(CHOSEN.inputs.items())), CHOSEN.label, CHOSEN.index)
    golden.write(tmp_path / "again", shuffled, OUTPUTS, SOURCE)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_golden_bytes_of_the_format(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == GOLDEN_SHA256, "the layout changed: bump SCHEMA_VERSION and docs/golden_pack.md, then this digest"


def test_it_reads_by_hand_as_documented(path: Path) -> None:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    assert (metadata["kind"], metadata["schema_version"]) == ("golden-pack", "1")
    assert json.loads(metadata["signature"])["inputs"][0]["name"] == "image"
    assert set(header) == {"input/image", "input/token", "output/logits", "label", "index"}
    entry = header["output/logits"]
    assert (entry["dtype"], entry["shape"]) == ("F32", [3, 1, 4])
    start, end = entry["data_offsets"]
    values = np.frombuffer(content[8 + length :][start:end], "<f4").reshape(entry["shape"])
    np.testing.assert_array_equal(values, OUTPUTS["logits"])
    assert all(info["data_offsets"][0] % 4 == 0 for info in header.values())


def test_other_readers_of_the_format_take_it(path: Path) -> None:
    assert set(safetensors.numpy.load_file(path)) == {"input/image", "input/token", "output/logits", "label", "index"}


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == [golden.FILE_NAME]


def test_strided_and_big_endian_arrays_are_written_right(path: Path, tmp_path: Path) -> None:
    inputs = {
        "image": np.repeat(CHOSEN.inputs["image"], 2, axis=3)[:, :, :, ::2],
        "token": CHOSEN.inputs["token"].astype(">i4"),
    }
    golden.write(tmp_path / "again", Chosen(inputs, CHOSEN.label, CHOSEN.index), OUTPUTS, SOURCE)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("keep", [0, 5, 8, 100, -1])
def test_a_truncated_file(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="cannot be read as a golden pack: .*; make it again"):
        golden.read(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no golden pack at"):
        golden.read(tmp_path / "none")


def test_another_safetensors_file(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"weight": np.zeros(3)}, tmp_path / "weights")
    with pytest.raises(ModelError, match="is a safetensors file, but no golden pack"):
        golden.read(tmp_path / "weights")


def rewritten(path: Path, **metadata: str) -> Path:
    """The file with other metadata."""
    with safetensors.safe_open(path, framework="numpy") as file:
        old = file.metadata()
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), path, {**old, **metadata})
    return path


def test_another_schema(path: Path) -> None:
    with pytest.raises(ModelError, match="golden pack of schema 99; this version reads schema 1 and 2"):
        golden.read(rewritten(path, schema_version="99"))


@pytest.mark.parametrize(
    "signature", ["", "{}", '{"inputs": 3, "outputs": []}', '{"inputs": [{"x": 1}], "outputs": []}']
)
def test_a_damaged_signature(path: Path, signature: str) -> None:
    with pytest.raises(ModelError, match="golden pack without a usable"):
        golden.read(rewritten(path, signature=signature))


def without(path: Path, name: str) -> Path:
    """The file without one array."""
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = safetensors.numpy.load_file(path)
    del arrays[name]
    safetensors.numpy.save_file(arrays, path, metadata)
    return path


def test_missing_arrays(path: Path) -> None:
    with pytest.raises(ModelError, match="without a usable 'label'"):
        golden.read(without(path, "label"))


def test_a_missing_input(path: Path) -> None:
    with pytest.raises(DataError, match=r"inputs are \['image'\], the signature says \['image', 'token'\]"):
        golden.read(without(path, "input/token"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.full((3, 1, 2, 3, 1), np.nan, np.float32), "input `image` holds NaN or Inf"),
        ("image", np.zeros((3, 1, 3, 2, 1), np.float32), r"is \(3, 1, 3, 2, 1\), not \(samples, \*\(1, 2, 3, 1\)\)"),
        ("image", np.zeros((2, 1, 2, 3, 1), np.float32), "holds 2 samples, labels 3"),
        ("image", np.zeros((3, 1, 2, 3, 1), np.float64), "is float64, the signature says float32"),
    ],
)
def test_what_does_not_fit_is_not_written(tmp_path: Path, name: str, value: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        golden.write(
            tmp_path / "g", Chosen({**CHOSEN.inputs, name: value}, CHOSEN.label, CHOSEN.index), OUTPUTS, SOURCE
        )
    assert not list(tmp_path.iterdir())


def test_outputs_that_are_nan_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="output `logits` holds NaN or Inf"):
        golden.write(tmp_path / "g", CHOSEN, {"logits": OUTPUTS["logits"] * np.inf}, SOURCE)


def test_no_samples_prove_nothing(tmp_path: Path) -> None:
    none = Chosen({name: values[:0] for name, values in CHOSEN.inputs.items()}, CHOSEN.label[:0], CHOSEN.index[:0])
    with pytest.raises(DataError, match="0 samples; nothing can be proved on it"):
        golden.write(tmp_path / "g", none, {"logits": OUTPUTS["logits"][:0]}, SOURCE)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="cannot write"):
        golden.write(tmp_path / "file" / "g", CHOSEN, OUTPUTS, SOURCE)


PICTURE = TensorSpec("image", (1, 40, 40, 3), "float32", "NHWC", meaning="image")
PICTURES = dataclasses.replace(SOURCE, signature=Signature((PICTURE,), SIGNATURE.outputs))
EXERCISE = Exercise(900, 40, 1, 0.5, 0.75, 30, 20, 25, ("relu6 never above 6: 5 channels",))


def pictures(count: int, brightest: float = 255.0) -> Chosen:
    values = np.linspace(0, brightest, count * 4800).reshape(count, 1, 40, 40, 3)
    return Chosen({"image": np.rint(values).astype(np.float32)}, np.zeros(count, np.int64), np.arange(count))


def answers(count: int) -> dict[str, np.ndarray]:
    return {"logits": np.arange(count * 4, dtype=np.float32).reshape(count, 1, 4)}


def test_pixels_are_stored_as_bytes_where_the_pack_would_be_too_large(tmp_path: Path) -> None:
    golden.write(tmp_path / "g.safetensors", pictures(64), answers(64), PICTURES, budget=1 << 20)
    stored = safetensors.numpy.load_file(tmp_path / "g.safetensors")
    assert stored["input/image"].dtype == np.uint8
    assert (tmp_path / "g.safetensors").stat().st_size < 1 << 20
    pack = golden.read(tmp_path / "g.safetensors")
    for image in (pack.inputs["image"], load_samples(tmp_path / "g.safetensors", "input/")["image"]):
        assert image.dtype == np.float32
    np.testing.assert_array_equal(pack.inputs["image"], pictures(64).inputs["image"])
    with safetensors.safe_open(tmp_path / "g.safetensors", framework="numpy") as file:
        assert file.metadata()["schema_version"] == "2"


@pytest.mark.parametrize(("count", "brightest"), [(16, 255.0), (64, 300.0)])
def test_a_pack_that_is_small_or_holds_no_pixels_stays_as_it_is(tmp_path: Path, count: int, brightest: float) -> None:
    golden.write(tmp_path / "g", pictures(count, brightest), answers(count), PICTURES, budget=1 << 20)
    assert safetensors.numpy.load_file(tmp_path / "g")["input/image"].dtype == np.float32
    with safetensors.safe_open(tmp_path / "g", framework="numpy") as file:
        assert file.metadata()["schema_version"] == "1"


def test_what_the_inputs_exercise_travels_in_the_pack(tmp_path: Path) -> None:
    golden.write(tmp_path / "g", CHOSEN, OUTPUTS, SOURCE, EXERCISE)
    assert golden.read(tmp_path / "g").exercise == EXERCISE


def test_what_is_known_of_made_up_inputs_travels_in_the_pack(tmp_path: Path) -> None:
    known = MadeUp({"snr_db": 90.0}, {"max_rel_range": 0.1})
    golden.write(tmp_path / "g", CHOSEN, OUTPUTS, SOURCE, made_up=known)
    assert golden.read(tmp_path / "g").made_up == known
    golden.write(tmp_path / "real", CHOSEN, OUTPUTS, SOURCE)
    assert golden.read(tmp_path / "real").made_up is None


@pytest.mark.parametrize("text", ["x", "[]", '{"other": {}}', '{"rounding": 3}'])
def test_made_up_inputs_described_otherwise_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="made-up|Expecting"):
        MadeUp.from_json(text)


@pytest.mark.parametrize(
    ("values", "count"),
    [
        (np.ones((2, 1, 10), np.float32), 256),
        (np.ones((2, 1, 96, 96, 3), np.float32), 75),  # as bytes
        (np.ones((2, 1, 96, 96, 3), np.float32) / 3, 32),  # as floats 18 would fit
        (np.ones((2, 1, 3000, 3000), np.uint8), 20),  # one alone is larger than the pack should be
    ],
)
def test_as_many_samples_as_fit_but_never_few(values: np.ndarray, count: int) -> None:
    assert golden.sample_count({"x": values}, answers(2), 256) == count
