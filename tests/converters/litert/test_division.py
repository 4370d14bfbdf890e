from __future__ import annotations

from pathlib import Path

import flat_models
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision
from converters.errors import UnsupportedError
from converters.litert.graph import read_graph


def normalized(path: Path) -> Artifact:
    """y = x W / max(x W, 1e-6): what a quiet sound is divided by is next to nothing."""
    weights = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)
    tensors = [
        T("in", (1, 6)), T("made", (1, 6)), T("top", (1, 1)), T("held", (1, 1)), T("out", (1, 6)),
        T("w", (6, 6), "float32", weights), T("axis", (1,), "int32", [1]), T("least", (), "float32", 1e-6),
    ]  # fmt: skip
    keeps = schema.ReducerOptionsT()
    keeps.keepDims = True
    ops = [
        Op("FULLY_CONNECTED", ("in", "w"), ("made",), ("FullyConnectedOptions", schema.FullyConnectedOptionsT())),
        Op("REDUCE_MAX", ("made", "axis"), ("top",), ("ReducerOptions", keeps)),
        Op("MAXIMUM", ("top", "least"), ("held",), ("MaximumMinimumOptions", schema.MaximumMinimumOptionsT())),
        Op("DIV", ("made", "held"), ("out",), ("DivOptions", schema.DivOptionsT())),
    ]
    return flat_models.save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "x", "out": "y"}))


def quantized(folder: Path, sounds: np.ndarray, precision: Precision = Precision.INT8, **options: object) -> Artifact:
    np.savez(folder / "c.npz", x=sounds)
    source = normalized(folder / "net.tflite")
    request = ConversionRequest(
        source, folder / "int8.tflite", precision, calibration=folder / "c.npz", options=options
    )
    return job.convert("quantize_litert", request)


def sounds(*loud: float) -> np.ndarray:
    return np.stack([np.linspace(0.1, 1, 6, dtype=np.float32)[None] * size for size in loud]).astype(np.float32)


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT8_IO])
def test_a_division_by_what_rounds_to_zero_is_refused_by_name(precision: Precision, tmp_path: Path) -> None:
    """LiteRT's kernel stopped at the first quiet sound, and the cell had crashed."""
    with pytest.raises(UnsupportedError, match=r"division by zero, and what this model divides by.*: 'out'$"):
        quantized(tmp_path, sounds(1, 0.5, 1e-5), precision)
    made = quantized(tmp_path, sounds(1, 0.5, 1e-5), precision, keep=["^out$"])
    graph = read_graph(made.path)
    assert {graph.tensors[op.inputs[1]].dtype for op in graph.ops if op.type == "DIV"} == {"float32"}


def test_a_divisor_that_stays_away_from_zero_is_divided_by_in_integers(tmp_path: Path) -> None:
    made = quantized(tmp_path, sounds(1, 0.5))
    graph = read_graph(made.path)
    assert {graph.tensors[op.inputs[1]].dtype for op in graph.ops if op.type == "DIV"} == {"int8"}
    found = job.open_session("litert-xnnpack", made).run_many({"x": sounds(1, 0.5)})["y"]
    plain = normalized(tmp_path / "net.tflite")
    wanted = job.open_session("litert-xnnpack", plain).run_many({"x": sounds(1, 0.5)})["y"]
    assert np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)
