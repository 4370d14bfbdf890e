from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision
from converters.litert.biases import with_whole_biases
from converters.litert.edit import with_constants
from converters.litert.graph import read_graph

DEAD = 2
"""The channel whose weights are all but nothing, beside a bias that tells."""


def net(folder: Path, weight: float) -> Artifact:
    """Convolution, depthwise convolution, mean, dense; one channel of the first has such weights and the bias 0.7."""
    made = outlier_nets.tflite(folder / "net.tflite", gain=1.0)
    graph = read_graph(made.path)
    weights, bias = (graph.tensors[index] for index in graph.ops[0].inputs[1:])
    values, biases = np.array(weights.data), np.array(bias.data)
    values[DEAD] *= weight
    biases[DEAD] = 0.7
    path = folder / "dead.tflite"
    path.write_bytes(with_constants(made.path, {weights.index: values, bias.index: biases}))
    return dataclasses.replace(made, path=path)


def quantized(source: Artifact, precision: Precision, folder: Path) -> Artifact:
    np.savez(folder / "c.npz", image=outlier_nets.images())
    return job.convert(
        "quantize_litert", ConversionRequest(source, folder / f"{precision}.tflite", precision, folder / "c.npz")
    )


@pytest.mark.parametrize("weight", [0.0, 1e-9, 1e-7])
@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT16X8])
def test_a_bias_beside_weights_near_zero_is_whole(precision: Precision, weight: float, tmp_path: Path) -> None:
    source = net(tmp_path, weight)
    made = quantized(source, precision, tmp_path)
    graph = read_graph(made.path)
    conv = next(op for op in graph.ops if op.type == "CONV_2D")
    bias = graph.tensors[conv.inputs[2]]
    assert bias.real()[DEAD] == pytest.approx(0.7, rel=1e-4)
    assert np.abs(bias.data).max() <= 2**30 * (1 + 1e-6)  # type: ignore[arg-type]
    floats = read_graph(source.path)
    values = floats.tensors[floats.ops[0].inputs[1]]
    weights = graph.tensors[conv.inputs[1]]
    step = weights.quantization.scales[:, None, None, None]  # type: ignore[union-attr]
    assert (np.abs(weights.real() - values.real()) <= 0.51 * step).all()
    assert weights.quantization.scales[0] == pytest.approx(np.abs(values.real()[0]).max() / 127, rel=1e-3)  # type: ignore[union-attr]
    images = {"image": outlier_nets.images()}
    wanted, found = (job.open_session("litert-xnnpack", one).run_many(images)["logits"] for one in (source, made))
    assert np.abs(found - wanted).max() <= (0.05 if precision is Precision.INT8 else 0.02) * np.ptp(wanted)


def test_a_file_whose_biases_fit_stays_as_it_is(tmp_path: Path) -> None:
    source = net(tmp_path, 1.0)
    made = quantized(source, Precision.INT16X8, tmp_path)
    before = made.path.read_bytes()
    with_whole_biases(made.path, source.path)
    assert made.path.read_bytes() == before
