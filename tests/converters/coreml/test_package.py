"""Packages on disk: nothing in them is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mil_files import WEIGHT, saved

from converters.coreml.package import read_package, rewrite_blob, write_model
from converters.coreml.program import read_program
from converters.errors import ModelError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A whole package."""
    return saved(tmp_path / "m.mlpackage")


def _manifest(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((path / "Manifest.json").read_text())
    change(manifest)
    (path / "Manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda m: m.update(fileFormatVersion="2.0"), "is of version 2.0, 1 is known"),
        (lambda m: m.update(rootModelIdentifier="9"), "names a model that it has no entry for"),
        (lambda m: m["itemInfoEntries"]["1"].update(path="../../other"), "names '../../other', which leads out of the"),
        (lambda m: m["itemInfoEntries"]["2"].update(path="/etc/passwd"), "names '/etc/passwd', which leads out"),
        (
            lambda m: m["itemInfoEntries"]["1"].update(path="com.apple.CoreML/no"),
            "its model com.apple.CoreML/no is missing",
        ),
        (lambda m: m.pop("itemInfoEntries"), "is damaged: KeyError"),
    ],
)
def test_a_bad_manifest(path: Path, change: Callable[[dict[str, Any]], None], match: str) -> None:
    _manifest(path, change)
    with pytest.raises(ModelError, match=match):
        read_package(path)


def test_a_model_that_is_cut_and_one_of_an_older_kind(path: Path) -> None:
    model = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is damaged: ValueError a field ends at byte"):
        read_package(path)
    model.write_bytes(b"\x08\x04")
    with pytest.raises(ModelError, match="an older kind, no ML program; convert its source for iOS 15"):
        read_package(path)


def test_a_link_out_of_the_package_is_not_followed(path: Path, tmp_path: Path) -> None:
    weights = path / "Data" / "com.apple.CoreML" / "weights"
    (tmp_path / "outside").mkdir()
    (weights / "weight.bin").rename(tmp_path / "outside" / "weight.bin")
    weights.rmdir()
    weights.symlink_to(tmp_path / "outside")
    with pytest.raises(ModelError, match="leads out of the package; do not use it"):
        read_program(read_package(path))


def test_missing_weights_are_told(path: Path) -> None:
    (path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").unlink()
    with pytest.raises(ModelError, match="its weights are missing: weight.bin cannot be read"):
        read_program(read_package(path))


def test_a_changed_model_and_changed_weights_are_written_in_their_place(path: Path) -> None:
    package = read_package(path)
    operations = package.model["mlProgram"]["functions"]["main"]["blocks"]["CoreML7"]["operations"]
    weight = next(op for op in operations if op["outputs"][0]["name"] == "inner_weight_0")
    place = weight["attributes"]["val"]["blob"]
    rewrite_blob(package, place["fileName"], place["offset"], lambda values: values * 2)
    operations[-1]["type"] = "add"
    write_model(package)
    program = read_program(read_package(path))
    assert program.block.operations[-1].type == "add"
    found = next(op for op in program.block.operations if op.outputs[0].name == "inner_weight_0")
    np.testing.assert_array_equal(found.attributes["val"].value, WEIGHT * 2)
