"""Compressed weights: what lies in the file, and what it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import ConversionRequest, Precision
from converters.coreml.graph import read_graph
from converters.errors import ConfigError, UnsupportedError
from pipeline import configs
from pipeline.checks.outcome import Outcome
from pipeline.checks.precision import check_precision


@pytest.mark.torch
@pytest.mark.parametrize(
    ("precision", "stored"), [("int8-weights", {"int8"}), ("int4-weights", {"uint4"}), ("palettized", {"uint8"})]
)
def test_the_files_tensors_prove_the_claim(made, precision: str, stored: set[str]) -> None:
    artifact, before = made("torch_conv", precision), made("torch_conv", "fp32")
    found = job.inspect(artifact.path, artifact.format)
    large = [tensor for tensor in found.tensors if tensor.constant and len(tensor.shape) == 4]
    assert {tensor.dtype for tensor in large} == stored
    gates = configs.load_configs(None, None)[1].precision
    for claim in (Precision.FP32, Precision.FP16, Precision.INT8_WEIGHTS, Precision.PALETTIZED, Precision.INT8):
        check = check_precision(found, claim, gates[claim])
        own = claim is Precision(precision) or (precision, claim) == ("int4-weights", Precision.PALETTIZED)
        assert (check.outcome is Outcome.PASSED) == own, (claim, check.reasons)
    assert artifact.signature == before.signature
    values, floats = (
        job.open_session("coreml-mil", one).run_many(MODELS["torch_conv"].inputs()) for one in (artifact, before)
    )
    assert (
        0
        < np.abs(values["logits"] - floats["logits"]).max()
        < (0.4 if precision == "int4-weights" else 0.05) * np.ptp(floats["logits"])
    )


@pytest.mark.torch
def test_a_palette_is_as_small_as_asked_for(made, tmp_path: Path) -> None:
    request = ConversionRequest(
        made("torch_conv", "fp32"), tmp_path / "m.mlpackage", Precision.PALETTIZED, options={"nbits": 2}
    )
    artifact = job.convert("quantize_coreml", request)
    found = job.inspect(artifact.path, artifact.format)
    assert [(t.dtype, t.scales) for t in found.tensors if t.constant and len(t.shape) == 4] == [("uint2", 4)] * 2


@pytest.mark.torch
def test_nothing_large_enough_is_refused(made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.coreml.quantize.LEAST_ELEMENTS", 10**6)
    request = ConversionRequest(made("torch_conv", "fp32"), tmp_path / "m.mlpackage", Precision.INT8_WEIGHTS)
    with pytest.raises(UnsupportedError, match="int8-weights would be the float file"):
        job.convert("quantize_coreml", request)


@pytest.mark.torch
def test_a_layer_is_left_in_float_where_the_recipe_says_so(made, tmp_path: Path) -> None:
    source = made("torch_conv", "fp32")
    names = [op.outputs[0] for op in read_graph(source.path).ops if op.type == "conv"]
    kept = read_graph(source.path).tensors[names[0]].name
    request = ConversionRequest(
        source, tmp_path / "m.mlpackage", Precision.INT8_WEIGHTS, options={"keep": [f"^{kept}$"]}
    )
    artifact = job.convert("quantize_coreml", request)
    found = job.inspect(artifact.path, artifact.format)
    assert sorted(t.dtype for t in found.tensors if t.constant and len(t.shape) == 4) == ["float32", "int8"]
    assert kept in artifact.kept


@pytest.mark.torch
def test_a_name_that_nothing_has_is_told_what_there_is(made, tmp_path: Path) -> None:
    options = {"keep": ["nobody"]}
    request = ConversionRequest(
        made("torch_conv", "fp32"), tmp_path / "m.mlpackage", Precision.INT8_WEIGHTS, None, options
    )
    with pytest.raises(ConfigError, match="keep 'nobody' matches no operator; their outputs are"):
        job.convert("quantize_coreml", request)
