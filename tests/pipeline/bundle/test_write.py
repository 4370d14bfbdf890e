from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
import sample_bundle

from converters.contract import Precision
from converters.errors import ModelError, WorkspaceError
from pipeline.bundle import Bundle, open_bundle, write, write_bundle
from pipeline.checks.gates import parse_gates, to_toml
from pipeline.checks.outcome import Outcome
from pipeline.configs import load_configs

PICTURES = ("00-as-is.png", "01-grey.png", "02-alpha.png", "03-wide.png", "04-dot.png", "05-deep.png", "06-turned.jpg")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(tmp_path: Path) -> Bundle:
    return open_bundle(write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "dist" / "fashion-cnn"))


def test_what_is_in_a_bundle(tmp_path: Path) -> None:
    bundle = written(tmp_path)
    assert sorted(tree(bundle.folder)) == [
        "README.md",
        "fashion-cnn_torch_litert_fp32.tflite",
        "fashion-cnn_torch_litert_int8-io.tflite",
        "gates.json",
        "gates.toml",
        "golden/pictures.safetensors",
        *(f"golden/pictures/{name}" for name in PICTURES),
        "golden/torch.safetensors",
        "labels.txt",
        "manifest.json",
        "report/junit.xml",
        "report/report.html",
        "report/report.json",
        "report/report.md",
    ]


def test_the_manifest(tmp_path: Path) -> None:
    bundle = written(tmp_path)
    manifest = json.loads((bundle.folder / "manifest.json").read_text())
    entry = manifest["artifacts"][1]
    assert entry["file"] == "fashion-cnn_torch_litert_int8-io.tflite"
    assert entry["signature"]["inputs"][0] == {
        "name": "image",
        "shape": [1, 28, 20, 1],
        "dtype": "int8",
        "layout": "NHWC",
        "scale": 1.0,
        "zero_point": -128,
        "meaning": "image",
        "limits": None,
    }
    assert entry["source_signature"]["inputs"][0]["layout"] == "NCHW"
    assert entry["verdicts"] == {"litert-xnnpack": {"outcome": "PASSED", "reasons": [], "latency_ms_p50": None}}
    assert entry["versions"]["litert-torch"] == "0.10.0"
    assert manifest["preprocessing"]["image"]["colour"] == "grey"
    assert manifest["preprocessing"]["image"]["normalisation"] == "inside the model"
    assert set(manifest["files"]) == set(tree(bundle.folder)) - {"manifest.json"}
    assert "somebody" not in json.dumps(manifest), "paths of the machine do not travel"


def test_the_gates_say_the_same_in_both_forms(tmp_path: Path) -> None:
    gates = load_configs(None, None)[1]
    file = tmp_path / "all.toml"
    file.write_text(to_toml(gates))
    made = dataclasses.replace(sample_bundle.contents(tmp_path / "store"), gates=file)
    said = json.loads((write_bundle(made, tmp_path / "out") / "gates.json").read_text())
    assert said["schema_version"] == 1
    assert said["precisions"] == [precision.value for precision in Precision]
    assert parse_gates(said["gates"]) == gates == parse_gates(tomllib.loads(file.read_text()))


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "store")
    turned = dataclasses.replace(made, artifacts=list(reversed(made.artifacts)))
    first = tree(write_bundle(made, tmp_path / "one"))
    second = tree(write_bundle(turned, tmp_path / "two"))
    assert first == second


def test_nothing_of_an_older_bundle_remains(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "store")
    out = write_bundle(made, tmp_path / "out")
    less = dataclasses.replace(made, artifacts=made.artifacts[:1], labels=())
    write_bundle(less, out)
    assert not (out / "fashion-cnn_torch_litert_int8-io.tflite").exists()
    assert not (out / "labels.txt").exists()
    assert len(open_bundle(out).artifacts) == 1


@pytest.mark.parametrize("victim", ["a.tflite", "golden.safetensors", "gates.toml"])
def test_a_failure_leaves_the_old_bundle(tmp_path: Path, victim: str) -> None:
    made = sample_bundle.contents(tmp_path / "store")
    out = write_bundle(made, tmp_path / "dist" / "out")
    before = tree(out)
    (tmp_path / "store" / victim).unlink()
    with pytest.raises(ModelError, match=f"{victim} is gone; make it again"):
        write_bundle(made, out)
    assert tree(out) == before
    assert [path.name for path in out.parent.iterdir() if path.is_dir()] == ["out"]


def test_an_artifact_that_changed_since_it_was_judged(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "store")
    (tmp_path / "store" / "a.tflite").write_bytes(b"another")
    with pytest.raises(ModelError, match="changed since it was judged"):
        write_bundle(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_somebodys_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(WorkspaceError, match="is not one of our bundles; it is left alone"):
        write_bundle(sample_bundle.contents(tmp_path / "store"), tmp_path / "photos")
    assert tree(tmp_path / "photos") == {"cat.jpg": b"cat"}


def test_a_damaged_bundle_is_still_ours(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "store")
    out = write_bundle(made, tmp_path / "out")
    (out / "labels.txt").unlink()
    assert write.is_bundle(out)
    assert open_bundle(write_bundle(made, out)).labels == sample_bundle.LABELS


def test_what_nothing_judged_is_failed(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "store")
    unjudged = dataclasses.replace(made, report=dataclasses.replace(made.report, cells=()))
    bundle = open_bundle(write_bundle(unjudged, tmp_path / "out"))
    assert {entry.outcome for entry in bundle.manifest.artifacts} == {Outcome.FAILED}


def test_an_empty_bundle_keeps_its_report(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "store", artifacts=[], golden={}, preprocessing={})
    bundle = open_bundle(write_bundle(made, tmp_path / "out"))
    assert bundle.artifacts == ()
    assert "No artifact was made" in (bundle.folder / "README.md").read_text()


def test_a_bundle_whose_manifest_is_damaged_is_still_ours_to_replace(tmp_path: Path) -> None:
    bundle = written(tmp_path)
    manifest = bundle.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    assert write.is_bundle(bundle.folder)
    (bundle.folder / "thesis.tex").write_text("x")
    assert not write.is_bundle(bundle.folder)
