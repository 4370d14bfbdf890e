"""Packages run by the interpreter, as a runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mil_files import expected, saved

from converters import job, registry
from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError

X = np.random.default_rng(2).standard_normal((4, 2, 3)).astype(np.float32)


def _artifact(path: Path, name: str = "x") -> Artifact:
    own = Signature((TensorSpec(name, (2, 3), "float32"),), (TensorSpec("y", (2, 4), "float32"),))
    return Artifact(path, Format.COREML, Precision.FP32, own, own)


def test_samples_in_both_arithmetics(tmp_path: Path) -> None:
    made = _artifact(saved(tmp_path / "m.mlpackage"))
    np.testing.assert_allclose(job.open_session("coreml-mil", made).run_many({"x": X})["y"], expected(X), rtol=1e-5)
    half = job.open_session("coreml-mil[fp16]", made).run_many({"x": X})["y"]
    assert half.dtype == np.float32
    assert 1e-5 < np.abs(half - expected(X)).max() < 1e-2
    assert {device for _, device in job.placement("coreml-mil", made)} == {"numpy"}


def test_the_variants_and_their_arithmetic() -> None:
    plain, half = registry.expand(registry.runtime("coreml-mil"))
    assert (plain.name, half.name) == ("coreml-mil", "coreml-mil[fp16]")
    assert not plain.timed, "an interpreter's seconds say nothing of a phone"


def test_other_names_than_the_signature(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has the inputs \['x'\], its signature says \['image'\]"):
        job.open_session("coreml-mil", _artifact(saved(tmp_path / "m.mlpackage"), "image"))


def test_a_changed_package_is_opened_anew(tmp_path: Path) -> None:
    made = _artifact(saved(tmp_path / "m.mlpackage"))
    before = job.open_session("coreml-mil", made).run_many({"x": X})["y"]
    saved(tmp_path / "m.mlpackage", alpha=0.5)
    assert not np.array_equal(job.open_session("coreml-mil", made).run_many({"x": X})["y"], before)
