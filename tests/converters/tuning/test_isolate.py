from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision
from converters.graph import Quantization, Tensor
from converters.litert.tracer import LiteRTTracer
from converters.onnx.tracer import OnnxTracer
from converters.tracer import Tracer
from converters.tuning.isolate import isolated, real, stored


def opened(kind: str, folder: Path, **options: object) -> tuple[Tracer, Tracer, list[dict[str, np.ndarray]]]:
    """(the float net, its int8 file, samples)."""
    images = outlier_nets.images()
    if kind == "tflite":
        source, edge, tracer = outlier_nets.tflite(folder / "net.tflite"), "quantize_litert", LiteRTTracer
    else:
        source, edge, tracer = outlier_nets.onnx_file(folder / "net.onnx"), "quantize_onnx", OnnxTracer
        images = images.transpose(0, 1, 4, 2, 3)
    np.savez(folder / "c.npz", image=images)
    request = ConversionRequest(source, folder / f"int8.{kind}", Precision.INT8, folder / "c.npz", options)
    made: Artifact = job.convert(edge, request)
    return tracer(source), tracer(made), [{"image": image} for image in images]


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_each_operators_own_error_is_told(kind: str, tmp_path: Path) -> None:
    floats, quantized, samples = opened(kind, tmp_path)
    indices = [*floats.graph.inputs, *(op.outputs[0] for op in floats.graph.ops)]
    values = floats.trace(samples, indices)
    found = {item.op.type + str(item.op.index): item for item in isolated(floats.graph, values, quantized)}
    assert len([name for name in found if "onv" in name.lower() or "CONV" in name]) == 2
    assert {item.wanted.shape for item in found.values()} <= {value.shape for value in values.values()}
    assert all(0 < item.noise < 0.05 for item in found.values()), {name: i.noise for name, i in found.items()}


def test_a_kept_operator_gives_what_it_gave(tmp_path: Path) -> None:
    floats, quantized, samples = opened("tflite", tmp_path, keep_ops=[1])
    values = floats.trace(samples, [*floats.graph.inputs, *(op.outputs[0] for op in floats.graph.ops)])
    found = {item.op.index: item.noise for item in isolated(floats.graph, values, quantized)}
    assert found[0] > 0
    assert found[1] < found[0], "its input alone is rounded"


def test_stored_integers_stand_for_real_numbers() -> None:
    tensor = Tensor(0, "x", (2,), "int8", None, Quantization(np.array([0.5]), np.array([3])))
    values = np.float32([1.0, 1000.0])
    assert stored(tensor, values).tolist() == [5, 127]
    assert real(tensor, np.int8([5, 127])).tolist() == [1.0, 62.0]
    plain = Tensor(0, "x", (2,), "float32")
    assert stored(plain, values) is values
