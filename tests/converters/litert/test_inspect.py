from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters import job
from converters.contract import Artifact, Format, Precision
from converters.errors import ModelError
from converters.litert.inspect import inspect

Converted = Callable[..., Artifact]
pytestmark = pytest.mark.tensorflow


def test_tensors_and_operators_are_read(converted: Converted) -> None:
    inspection = inspect(converted("keras_conv").path)
    assert inspection.format is Format.TFLITE
    assert [op.type for op in inspection.ops] == [
        "MUL",
        "ADD",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "MEAN",
        "FULLY_CONNECTED",
    ]
    kernel = inspection.tensors[inspection.ops[2].inputs[1]]
    assert (kernel.shape, kernel.dtype, kernel.constant, kernel.size_bytes) == ((8, 3, 3, 3), "float32", True, 864)
    assert (kernel.scales, kernel.finite, kernel.grid_bits) == (0, True, 32)
    image = inspection.tensors[inspection.ops[0].inputs[0]]
    assert (image.shape, image.constant, image.size_bytes) == ((1, 12, 20, 3), False, 4 * 720)
    assert inspection.metadata["min_runtime_version"]
    assert all(op.version >= 1 for op in inspection.ops)


def test_quantized_tensors_show_their_scales(converted: Converted) -> None:
    inspection = inspect(converted("keras_conv", Precision.INT8).path)
    convolution = next(op for op in inspection.ops if op.type == "CONV_2D")
    kernel, made = inspection.tensors[convolution.inputs[1]], inspection.tensors[convolution.outputs[0]]
    assert (kernel.dtype, kernel.scales) == ("int8", 8)
    assert (made.dtype, made.scales, made.constant) == ("int8", 1, False)


def test_weights_rounded_to_eight_bits_are_seen(edited: Callable[..., Path]) -> None:
    def rounded(model: object) -> None:
        kernel = _kernel(model)
        kernel[:] = (np.round(kernel / np.abs(kernel).max() * 127) / 127 * np.abs(kernel).max()).astype(np.float32)

    inspection = inspect(edited(rounded))
    assert inspection.tensors[inspection.ops[2].inputs[1]].grid_bits == 8


def test_a_constant_that_is_not_finite_is_seen(edited: Callable[..., Path]) -> None:
    def poison(model: object) -> None:
        _kernel(model)[5] = np.nan

    assert [t.finite for t in inspect(edited(poison)).tensors].count(False) == 1


def test_a_dynamic_axis_is_none(edited: Callable[..., Path]) -> None:
    def dynamic(model: object) -> None:
        graph = model.subgraphs[0]  # type: ignore[attr-defined]
        graph.tensors[graph.inputs[0]].shapeSignature = [-1, 12, 20, 3]

    assert inspect(edited(dynamic)).signature.inputs[0].shape == (None, 12, 20, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"TFL3", "is not a TensorFlow Lite file"),
        (b"PK\x03\x04" * 99, "is not a TensorFlow Lite file: bytes 4 to 8 are b'PK"),
        (b"\x1c\0\0\0TFL3", "is damaged"),
        (b"\xff\xff\xff\xffTFL3" + b"\xff" * 64, "is damaged"),
        (b"\x10\0\0\0TFL3" + bytes(200), "is damaged"),
    ],
)
def test_files_that_are_no_models(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"bad\.tflite {message}"):
        inspect(path)


def test_a_gigabyte_of_zeros_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "zeros.tflite"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    start = time.perf_counter()
    with pytest.raises(ModelError, match="is not a TensorFlow Lite file"):
        inspect(path)
    assert time.perf_counter() - start < 1


def test_every_truncation_is_damage(converted: Converted, tmp_path: Path) -> None:
    data, path = converted("keras_two_in_two_out").path.read_bytes(), tmp_path / "cut.tflite"
    for size in range(0, len(data) - 16, 97):
        path.write_bytes(data[:size])
        with pytest.raises(ModelError, match=r"cut\.tflite"):
            inspect(path)


def test_random_damage_ends_as_a_result_or_a_model_error(converted: Converted, tmp_path: Path) -> None:
    data, path = converted("keras_conv").path.read_bytes(), tmp_path / "hit.tflite"
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        hit = np.frombuffer(data, np.uint8).copy()
        places = random.integers(8, len(hit), 12)
        hit[places] = random.integers(0, 256, 12)
        path.write_bytes(hit.tobytes())
        try:
            job.inspect(path, Format.TFLITE)
        except ModelError:
            refused += 1
    assert refused > 50


def _kernel(model: object) -> np.ndarray:
    """The values of the convolution's kernel, to be changed in place."""
    graph = model.subgraphs[0]  # type: ignore[attr-defined]
    buffer = model.buffers[graph.tensors[graph.operators[2].inputs[1]].buffer]  # type: ignore[attr-defined]
    buffer.data = np.array(buffer.data, np.uint8)
    return buffer.data.view(np.float32)
