from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.inspection import Inspection
from converters.litert.kernels import runs

pytestmark = pytest.mark.tensorflow
SHAPE = (1, 8, 12, 8)
RNG = np.random.default_rng(3)
KERNEL = (RNG.normal(size=(3, 3, 8, 8)) / 6).astype(np.float32)
IMAGES = RNG.normal(size=(32, *SHAPE)).astype(np.float32)


def functions() -> dict[str, Callable[[Any], Any]]:
    """Operators that ai-edge-quantizer does not know, by what TensorFlow Lite calls them."""
    import tensorflow as tf

    return {
        "LEAKY_RELU": lambda x: tf.nn.leaky_relu(x, 0.1),
        "PRELU": lambda x: (
            tf.nn.relu(x) + np.linspace(-0.6, -0.1, 8, dtype=np.float32).reshape(1, 1, 8) * tf.nn.relu(-x)
        ),
        "ELU": tf.nn.elu,
        "RELU6": lambda x: tf.nn.relu6(tf.reverse(x, [1])),
        "GREATER_EQUAL": lambda x: tf.where(x >= 0.2, x, 0.3 * x),
        "EXP": lambda x: tf.exp(0.3 * x),
        "ABS": tf.abs,
        "DEPTH_TO_SPACE": lambda x: tf.nn.depth_to_space(x, 2),
        "SPACE_TO_BATCH_ND": lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
        "TILE": lambda x: tf.tile(x, [1, 2, 1, 1]),
        "REVERSE_V2": lambda x: tf.reverse(x, [1]),
        "REDUCE_MAX": lambda x: tf.reduce_max(x, [1], keepdims=True),
        "MINIMUM": lambda x: tf.minimum(x, 0.7),
        "LOG_SOFTMAX": tf.nn.log_softmax,
        "ARG_MAX": lambda x: tf.cast(tf.argmax(x, -1, tf.int32), tf.float32),
    }


def float_file(folder: Path, make: Callable[[Any], Any]) -> Artifact:
    """Convolution, what `make` does, a product with a constant."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(SHAPE, tf.float32, name="x")])
    def net(x: Any) -> Any:
        return {"y": make(tf.nn.conv2d(x, KERNEL, 1, "SAME")) * 0.7}

    holder = tf.Module()
    holder.net = net
    converter = tf.lite.TFLiteConverter.from_concrete_functions([net.get_concrete_function()], holder)
    path = folder / "float.tflite"
    path.write_bytes(converter.convert())
    signature = job.inspect(path, Format.TFLITE).signature
    return Artifact(path, Format.TFLITE, Precision.FP32, signature, signature, model="net")


def quantized(source: Artifact, precision: Precision, folder: Path, **options: Any) -> tuple[Artifact, Inspection]:
    np.savez(folder / "samples.npz", **{source.signature.inputs[0].name: IMAGES})
    request = ConversionRequest(source, folder / f"{precision}.tflite", precision, folder / "samples.npz", options)
    made = job.convert("quantize_litert", request)
    return made, job.inspect(made.path, Format.TFLITE)


def read_by(found: Inspection, kind: str) -> set[str]:
    return {found.tensors[op.inputs[0]].dtype for op in found.ops if op.type == kind}


def error(source: Artifact, made: Artifact) -> float:
    inputs = {source.signature.inputs[0].name: IMAGES}
    runs = (job.open_session("litert-xnnpack", one).run_many(inputs) for one in (source, made))
    want, have = (next(iter(values.values())) for values in runs)
    return float(np.abs(have - want).mean() / np.ptp(want))


@pytest.mark.parametrize("kind", functions())
def test_what_the_quantizer_leaves_in_float_is_made_integer(kind: str, tmp_path: Path) -> None:
    source = float_file(tmp_path, functions()[kind])
    assert read_by(job.inspect(source.path, Format.TFLITE), kind) == {"float32"}, "the converter makes it"
    made, found = quantized(source, Precision.INT8, tmp_path)
    assert read_by(found, kind) == {"int8"}
    assert error(source, made) < 0.01


@pytest.mark.parametrize("kind", ["LEAKY_RELU", "RELU6", "EXP", "REDUCE_MAX", "MINIMUM", "SPACE_TO_BATCH_ND"])
def test_16_bits_too(kind: str, tmp_path: Path) -> None:
    source = float_file(tmp_path, functions()[kind])
    made, found = quantized(source, Precision.INT16X8, tmp_path)
    assert read_by(found, kind) == {"int16"}
    assert error(source, made) < 0.005


def test_a_range_ends_where_its_reader_cuts_it(tmp_path: Path) -> None:
    """Boxes of a detector: of e^x up to 10 little would be left by steps for e^20."""
    import tensorflow as tf

    source = float_file(tmp_path, lambda x: tf.minimum(tf.exp(4 * x), 10.0))
    made, found = quantized(source, Precision.INT8, tmp_path)
    assert read_by(found, "EXP") == read_by(found, "MINIMUM") == {"int8"}
    assert error(source, made) < 0.02


def test_operators_of_many_kinds_are_tried_together_and_alone_where_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind by itself opened a file of many six times: minutes for a large one."""
    import tensorflow as tf

    source = float_file(tmp_path, lambda x: tf.exp(tf.nn.elu(tf.nn.leaky_relu(tf.abs(x), 0.1))))
    opened: list[bytes] = []

    def counted(content: bytes, resolver: Any) -> bool:
        opened.append(content)
        return runs(content, resolver) and not (refused and refused in {op.type for op in integers_of(content)})

    def integers_of(content: bytes) -> list[Any]:
        path = tmp_path / "tried.tflite"
        path.write_bytes(content)
        found = job.inspect(path, Format.TFLITE)
        return [op for op in found.ops if found.tensors[op.inputs[0]].dtype == "int8"]

    monkeypatch.setattr("converters.litert.integers.runs", counted)
    refused, kinds = "", ("EXP", "ELU", "LEAKY_RELU", "ABS")
    _, found = quantized(source, Precision.INT8, tmp_path)
    assert [read_by(found, kind) for kind in kinds] == [{"int8"}] * 4
    assert len(opened) <= 6
    refused = "ELU"
    _, found = quantized(source, Precision.INT8, tmp_path)
    assert [read_by(found, kind) for kind in kinds] == [{"float32"}, {"float32"}, {"int8"}, {"int8"}]


def test_integers_go_in_and_out(tmp_path: Path) -> None:
    source = float_file(tmp_path, functions()["LEAKY_RELU"])
    made, found = quantized(source, Precision.INT8_IO, tmp_path)
    assert {spec.dtype for spec in (*made.signature.inputs, *made.signature.outputs)} == {"int8"}
    used = {index for op in found.ops for index in (op.inputs[0], *op.outputs)}
    assert {found.tensors[index].dtype for index in used} == {"int8"}
    assert error(source, made) < 0.01


def test_what_a_recipe_keeps_stays_in_float(tmp_path: Path) -> None:
    source = float_file(tmp_path, functions()["LEAKY_RELU"])
    name = next(
        found.tensors[op.outputs[0]].name
        for found in [job.inspect(source.path, Format.TFLITE)]
        for op in found.ops
        if op.type == "LEAKY_RELU"
    )
    _, found = quantized(source, Precision.INT8, tmp_path, keep=[f"^{name}$"])
    assert read_by(found, "LEAKY_RELU") == {"float32"}


@pytest.mark.torch
def test_rows_of_a_table_are_integers(converted: Callable[..., Artifact]) -> None:
    found = job.inspect(converted("torch_mixed", Precision.INT8, quantizer=True).path, Format.TFLITE)
    (op,) = [op for op in found.ops if op.type == "EMBEDDING_LOOKUP"]
    assert {found.tensors[op.inputs[1]].dtype, found.tensors[op.outputs[0]].dtype} == {"int8"}
