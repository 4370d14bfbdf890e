"""What changes a package's hash, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mil_files import WEIGHT, saved

from converters.coreml.graph_hash import graph_hash
from converters.coreml.package import Package, read_package
from converters.coreml.program import read_program
from converters.coreml.signature import read_signature, rename


def _hash(package: Package) -> str:
    program = read_program(package)
    return graph_hash(program, read_signature(package, program))


def _turned() -> np.ndarray:
    return WEIGHT[::-1].copy()


@pytest.mark.parametrize(
    "change",
    [{"weight": _turned()}, {"alpha": 0.26}, {"kind": "float16"}, {"act": "relu"}, {"weight": np.nextafter(WEIGHT, 2)}],
    ids=["rows", "parameter", "type", "operator", "last bit"],
)
def test_what_changes_the_meaning_changes_the_hash(tmp_path: Path, change: dict[str, Any]) -> None:
    one, other = saved(tmp_path / "a.mlpackage"), saved(tmp_path / "b.mlpackage", **change)
    assert _hash(read_package(one)) != _hash(read_package(other))


def test_inner_names_and_metadata_do_not(tmp_path: Path) -> None:
    package = read_package(saved(tmp_path / "m.mlpackage"))
    before = _hash(package)
    rename(package.model, {"inner": "another", "inner_weight_0": "w"})
    package.model["description"]["metadata"] = {"userDefined": {"date": "today"}}
    assert _hash(package) == before
    rename(package.model, {"y": "scores"})
    assert _hash(package) != before, "an output's name is what an app asks for"
