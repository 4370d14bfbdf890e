"""A corpus of three cases that needs no toolkit, and trials made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converters.contract import Artifact, Format, Precision, RuntimeSpec, Signature, TensorSpec
from pipeline.coverage.cases import CORPORA, Case
from pipeline.coverage.trial import Result, Trial
from pipeline.coverage.ways import Way

SIGNATURE = Signature((TensorSpec("x", (3,), "float32"),), (TensorSpec("y", (3,), "float32"),))
WANT = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
RUNTIME = RuntimeSpec("onnxruntime", "converters.onnx.runtime", (Format.ONNX,), "onnx", ("onnxruntime",))


def case(folder: Path, name: str = "test_one", op: str = "One", **flags: bool) -> Case:
    """A case whose data is stored under `folder`; y = 2 x."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    np.savez(place / "data.npz", **{"input/x": WANT / 2, "output/y": WANT, "expected/y": WANT[:1]})
    artifact = Artifact(place / "model.onnx", Format.ONNX, Precision.FP32, SIGNATURE, SIGNATURE)
    return Case("onnx", name, op, place, artifact, **flags)


def way(name: str = "somewhere", target_runtime: RuntimeSpec = RUNTIME) -> Way:
    """A route without a step."""
    return Way("onnx", name, (), target_runtime)


def trial(name: str, result: Result = Result.RIGHT, passed: bool = True, op: str = "One", reason: str = "") -> Trial:
    """A result."""
    return Trial(name, op, result, passed, reason)


CORPUS = CORPORA[0]
