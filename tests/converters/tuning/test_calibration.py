from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters.contract import ConversionRequest, Precision
from converters.errors import ContractError
from converters.litert.edit import with_constants
from converters.litert.graph import read_graph
from converters.litert.trace import trace
from converters.tuning import calibration as module
from converters.tuning.calibration import Calibration, largest_by_channel, require_same
from converters.tuning.equalize import equalized, pairs_of


@pytest.fixture
def request_(tmp_path: Path) -> ConversionRequest:
    source = outlier_nets.tflite(tmp_path / "net.tflite")
    np.savez(tmp_path / "c.npz", image=outlier_nets.images())
    return ConversionRequest(source, tmp_path / "out.tflite", Precision.INT8, tmp_path / "c.npz")


def test_samples_are_calls_of_the_file(request_: ConversionRequest) -> None:
    samples = Calibration.of(request_).samples()
    assert len(samples) == 32
    assert samples[3]["image"].shape == (1, 6, 8, 1)
    assert Calibration.of(request_) == Calibration.of(request_), "equal, so that results can be kept"


def test_fewer_are_recorded_of_a_large_model(request_: ConversionRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = read_graph(request_.source.path)
    given = Calibration.of(request_)
    assert len(given.some(graph, 16)) == 16
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    few = given.some(graph, 16)
    assert 1 <= len(few) < 16
    assert few[0] is given.samples()[0]


def test_no_calibration_is_said(request_: ConversionRequest) -> None:
    with pytest.raises(ContractError, match="int8 needs calibration inputs"):
        Calibration.of(ConversionRequest(request_.source, request_.target, Precision.INT8))


def test_a_factor_on_one_side_only_is_caught(request_: ConversionRequest, tmp_path: Path) -> None:
    path = request_.source.path
    graph, samples = read_graph(path), list(Calibration.of(request_).samples())
    values = trace(path, samples, [op.outputs[0] for op in graph.ops])
    edits = equalized(graph, pairs_of(graph, largest_by_channel(graph, values)))
    made = tmp_path / "made.tflite"
    wanted = {index: values[index] for index in graph.outputs}

    made.write_bytes(with_constants(path, edits))
    require_same(wanted, trace(made, samples, graph.outputs))
    for index in edits:
        made.write_bytes(with_constants(path, {i: value for i, value in edits.items() if i != index}))
        with pytest.raises(ContractError, match="equalization changed what the float file computes: output 4 differs"):
            require_same(wanted, trace(made, samples, graph.outputs))
