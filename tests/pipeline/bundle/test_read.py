from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_bundle

from converters.contract import Precision
from converters.errors import DataError, ModelError
from pipeline.bundle import open_bundle, write_bundle
from pipeline.report import json_report
from pipeline.store import file_sha256

FP32 = "fashion-cnn_torch_litert_fp32.tflite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "out")


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def relabel(folder: Path, text: str) -> None:
    """Other labels, vouched for."""
    (folder / "labels.txt").write_text(text)
    record = {"sha256": file_sha256(folder / "labels.txt"), "size_bytes": len(text.encode())}
    edit(folder, lambda manifest: manifest["files"].update({"labels.txt": record}))


def test_what_was_written_is_read_back(folder: Path, tmp_path: Path) -> None:
    bundle = open_bundle(folder)
    contents = sample_bundle.contents(tmp_path / "store")
    assert bundle.labels == sample_bundle.LABELS
    assert bundle.golden["torch"].read_bytes() == b"golden"
    assert bundle.gates.read_text().startswith("[parity.fp32]")
    assert json_report.render(bundle.report) == json_report.render(contents.report)
    assert bundle.manifest.preprocessing == contents.preprocessing
    first, second = bundle.artifacts
    assert (first.precision, second.precision) == (Precision.FP32, Precision.INT8_IO)
    assert second.signature == sample_bundle.INT8
    assert second.source == sample_bundle.SOURCE
    assert second.path.read_bytes() == b"int8 model" * 10
    assert (second.sha256, second.graph_hash) == (contents.artifacts[1].sha256, "9" * 64)


def test_every_file_is_vouched_for(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]:
        whole = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        with pytest.raises(ModelError, match=f"{name} changed: sha256 is"):
            open_bundle(folder)
        path.write_bytes(whole[:-1])
        with pytest.raises(ModelError, match=rf"{name} has \d+ bytes, \d+ were written"):
            open_bundle(folder)
        path.unlink()
        with pytest.raises(ModelError, match=f"{name} is missing; copy or download the whole bundle again"):
            open_bundle(folder)
        path.write_bytes(whole)
    open_bundle(folder)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "a/../../secret",
        "a\\..\\b",
        "C:/x",
        "C:x",
        "./labels.txt",
        "",
        "a//b",
        "x\x00y",
        "..",
    ],
)
def test_a_path_that_leads_out(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_text("s")
    edit(folder, lambda data: data["files"].update({name: {"sha256": "0" * 64, "size_bytes": 1}}))
    with pytest.raises(ModelError, match="which leads out of the bundle; do not use it"):
        open_bundle(folder)


def test_a_link_that_leads_out(folder: Path) -> None:
    outside = folder.parent / "outside.txt"
    (folder / "labels.txt").rename(outside)
    (folder / "labels.txt").symlink_to(outside)
    with pytest.raises(ModelError, match=r"'labels.txt', which leads out of the bundle"):
        open_bundle(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(schema_version=99), "schema_version 99 was written by a newer edge-export"),
        (lambda m: m.pop("schema_version"), "no schema_version"),
        (lambda m: m.update(surprise=1), "unknown key 'surprise'"),
        (lambda m: m.pop("files"), "'files' is missing"),
        (lambda m: m["files"].pop(FP32), f"'{FP32}' has no entry in 'files', so nothing vouches for it"),
        (lambda m: m.update(labels="other.txt"), "'other.txt' has no entry in 'files'"),
        (lambda m: m["golden"].update(torch="../x"), "'../x' has no entry in 'files'"),
        (lambda m: m["pictures"][0].update(file="x.png"), "'x.png' has no entry in 'files'"),
        (lambda m: m["report"].pop("json"), "the report has no 'json' form"),
        (lambda m: m["artifacts"][0].update(sha256="0" * 64), "vouched for with two different sha256"),
        (lambda m: m["artifacts"][0].update(precision="int8"), "is described as fashion-cnn torch litert int8 tflite"),
        (lambda m: m["artifacts"][0].update(precision="int4"), "'int4' is none of fp32"),
        (lambda m: m["artifacts"][0].update(outcome="FAILED"), "outcome is FAILED, but the verdicts give PASSED"),
        (lambda m: m["artifacts"][0]["verdicts"].clear(), "outcome is PASSED, but the verdicts give FAILED"),
        (lambda m: m["artifacts"][0]["signature"]["inputs"][0].update(layout="N"), "does not name the axes"),
        (lambda m: m["artifacts"][0]["signature"]["inputs"][0].update(dtype="float33"), "float33"),
        (lambda m: m["artifacts"][0]["signature"]["inputs"][0].update(scale=1.0), "scale and zero point come together"),
        (lambda m: m["preprocessing"]["image"].update(colour="cmyk"), "colour 'cmyk' is none of grey, rgb"),
    ],
)
def test_a_manifest_that_lies(folder: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    edit(folder, change)
    with pytest.raises(ModelError, match=message):
        open_bundle(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is damaged"), (b"{]", "is damaged"), (b"[]", "no schema_version"), (b"{}", "no schema")],
)
def test_a_damaged_manifest(folder: Path, content: bytes, message: str) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        open_bundle(folder)


def test_a_bundle_of_schema_1_is_read(folder: Path) -> None:
    def older(manifest: dict[str, Any]) -> None:
        manifest.update(schema_version=1)
        for name in [name for name in manifest["files"] if "pictures" in name or name == "gates.json"]:
            del manifest["files"][name]
        del manifest["pictures"]

    edit(folder, older)
    assert open_bundle(folder).manifest.pictures == ()


@pytest.mark.parametrize(("count", "said"), [(1001, "1001 labels"), (1, "1 label"), (0, "0 labels")])
def test_labels_of_other_classes(folder: Path, count: int, said: str) -> None:
    relabel(folder, "".join(f"class {i}\n" for i in range(count)))
    with pytest.raises(DataError, match=rf"labels.txt has {said} for 3 classes; write one name a line"):
        open_bundle(folder)


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a folder"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"manifest .*manifest.json does not exist"):
        open_bundle(tmp_path)
