"""Core ML's own session, with a stand-in for what only a Mac has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mil_files import expected, saved

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.coreml.native import CoremlSession, _as_declared
from converters.coreml.package import read_package, write_model
from converters.coreml.program import Type
from converters.coreml.signature import rename, write_signature

X = np.random.default_rng(3).standard_normal((3, 2, 3)).astype(np.float32)
OWN = Signature((TensorSpec("my input", (2, 3), "float32"),), (TensorSpec("y", (2, 4), "float32"),))


class Model:
    """What `MLModel` is to the session."""

    def predict(self, features: dict[str, np.ndarray]) -> dict[str, Any]:
        """The answer by the features' own names, in float64 as Core ML may give it."""
        return {"y": expected(features["my_input"]).astype(np.float64)}


def test_features_are_bound_by_the_signature_in_the_file(tmp_path: Path) -> None:
    package = read_package(saved(tmp_path / "m.mlpackage"))
    rename(package.model, {"x": "my_input"})
    write_signature(package, OWN)
    write_model(package)
    made = Artifact(package.path, Format.COREML, Precision.FP32, OWN, OWN)
    got = CoremlSession(made, Model).run_many({"my input": X})
    np.testing.assert_allclose(got["y"], expected(X), rtol=1e-6)
    assert got["y"].dtype == np.float32


def test_a_single_number_has_the_declared_shape() -> None:
    assert _as_declared(np.ones((1,)), Type("float16")).shape == ()
