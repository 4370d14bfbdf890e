"""A weight, an axis or a padding changed by hand in a saved Core ML package does not leave with PASSED."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mil_files import MilOp, write

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.coreml.package import Package, read_package, rewrite_blob, write_model
from converters.coreml.runtime import open as open_session
from pipeline import configs
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity

RANDOM = np.random.default_rng(0)
OUTPUTS = (TensorSpec("y", (1, 4), "float32"),)
OWN = Signature((TensorSpec("x", (1, 3, 8, 8), "float32"),), OUTPUTS)
X = {"x": RANDOM.standard_normal((64, 1, 3, 8, 8)).astype(np.float32)}
GATE = configs.load_configs(None, None)[1].parity[Precision.FP32]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution, its greatest channel at each place, and scores."""
    weight = RANDOM.standard_normal((5, 3, 3, 3)).astype(np.float32)
    dense = RANDOM.standard_normal((4, 64)).astype(np.float32)
    how = {"strides": np.array([1, 1], np.int32), "pad_type": "'custom'", "pad": np.array([1, 1, 1, 1], np.int32)}
    more = {"dilations": np.array([1, 1], np.int32), "groups": np.int32(1)}
    ops = [
        MilOp("conv", {"x": "x", "weight": weight, **how, **more}, [("a", "float32", (1, 5, 8, 8))]),
        MilOp("softmax", {"x": "a", "axis": np.int32(1)}, [("b", "float32", (1, 5, 8, 8))]),
        MilOp(
            "reduce_max", {"x": "b", "axes": np.array([1], np.int32), "keep_dims": False}, [("c", "float32", (1, 8, 8))]
        ),
        MilOp("reshape", {"x": "c", "shape": np.array([1, 64], np.int32)}, [("d", "float32", (1, 64))]),
        MilOp("linear", {"x": "d", "weight": dense}, [("y", "float32", (1, 4))]),
    ]
    return write(tmp_path_factory.mktemp("net") / "m.mlpackage", ops, inputs=[("x", "float32", (1, 3, 8, 8))])


def _run(path: Path) -> dict[str, np.ndarray]:
    return open_session(Artifact(path, Format.COREML, Precision.FP32, OWN, OWN), "coreml-mil", 1).run_many(X)


def _constant(package: Package, name: str) -> dict[str, Any]:
    operations = package.model["mlProgram"]["functions"]["main"]["blocks"]["CoreML7"]["operations"]
    return next(op["attributes"]["val"] for op in operations if op["outputs"][0]["name"] == name)


def _one_weight(package: Package) -> None:
    place = _constant(package, "a_weight_0")["blob"]
    rewrite_blob(package, place["fileName"], place["offset"], lambda v: np.where(np.arange(v.size) == 7, v * 1.05, v))


def _rows(package: Package) -> None:
    place = _constant(package, "y_weight_0")["blob"]
    rewrite_blob(package, place["fileName"], place["offset"], lambda v: v.reshape(4, 64)[[1, 0, 2, 3]])


def _integers(name: str, values: list[int]) -> Callable[[Package], None]:
    def change(package: Package) -> None:
        _constant(package, name)["immediate"]["tensor"]["ints"]["values"] = values

    return change


@pytest.mark.parametrize(
    "change",
    [_one_weight, _rows, _integers("b_axis_0", [2]), _integers("a_pad_0", [2, 0, 1, 1])],
    ids=["weight", "rows", "axis", "padding"],
)
def test_a_change_by_hand_fails(net: Path, tmp_path: Path, change: Callable[[Package], None]) -> None:
    path = tmp_path / "m.mlpackage"
    shutil.copytree(net, path)
    reference = _run(path)
    assert check_parity(reference, _run(path), OUTPUTS, GATE).outcome is Outcome.PASSED
    package = read_package(path)
    change(package)
    write_model(package)
    assert check_parity(reference, _run(path), OUTPUTS, GATE).outcome is Outcome.FAILED
