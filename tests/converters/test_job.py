from __future__ import annotations

import dataclasses
import errno
import math
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import fake_toolkit
import numpy as np
import pytest
import safetensors.numpy
from tiny_models import MODELS

from converters import content, job
from converters.contract import (
    Artifact,
    ConversionRequest,
    Format,
    Precision,
    Signature,
    TensorSpec,
)
from converters.errors import ContractError, EdgeExportError, ModelError, ToolkitError, UnsupportedError, UsageError

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The fp32 file of the tiny Keras model."""
    folder = tmp_path_factory.mktemp("job")
    source = MODELS["keras_conv"].source(folder)
    return job.convert("litert_from_keras", ConversionRequest(source, folder / "f.tflite", Precision.FP32))


def test_an_artifact_is_complete(float_file: Artifact) -> None:
    assert float_file.path.name == "f.tflite"
    assert (float_file.format, float_file.precision) == (Format.TFLITE, Precision.FP32)
    assert (float_file.model, float_file.framework, float_file.route) == ("keras_conv", "tensorflow", "litert")
    assert float_file.source == MODELS["keras_conv"].signature
    assert float_file.sha256 == content.sha256(float_file.path)
    assert float_file.size_bytes == float_file.path.stat().st_size
    assert float_file.graph_hash == job.inspect(float_file.path, Format.TFLITE).graph_hash
    assert float_file.producer == "litert_from_keras"
    assert float_file.versions["keras"]
    assert Artifact.from_json(float_file.to_json()) == float_file


def test_a_failed_conversion_leaves_the_old_file_alone(
    toolkit: ModuleType, float_file: Artifact, tmp_path: Path
) -> None:
    target = tmp_path / "deep" / "new.tflite"
    request = ConversionRequest(float_file, target, Precision.FP32)
    toolkit.write = fake_toolkit.copy
    job.convert("fake_quantizer", request)
    before = target.read_bytes()

    def half(request: ConversionRequest) -> Signature:
        assert request.target.parent == target.parent  # so that the rename is atomic
        request.target.write_bytes(b"half")
        raise RuntimeError("stopped")

    toolkit.write = half
    with pytest.raises(ToolkitError, match="^fake_quantizer: RuntimeError: stopped$"):
        job.convert("fake_quantizer", request)
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["new.tflite"]


@pytest.mark.parametrize(
    ("write", "kind", "message"),
    [
        (fake_toolkit.write_nothing, ContractError, "fake_quantizer wrote nothing"),
        (fake_toolkit.write_empty, ContractError, "fake_quantizer wrote nothing"),
        (
            fake_toolkit.write_garbage,
            ToolkitError,
            r"wrote a file that does not read back: new\.tflite is not a TensorFlow Lite file",
        ),
        (fake_toolkit.claim(name="picture"), ContractError, r"the file's inputs are {'image': .*, not {'picture'"),
        (fake_toolkit.claim(shape=(1, 20, 12, 3)), ContractError, "the file's inputs are"),
        (fake_toolkit.claim(dtype="int8"), ContractError, "the file's inputs are"),
        (fake_toolkit.swap_sides, ContractError, "the file's inputs are"),
        (
            fake_toolkit.drop_weights,
            ToolkitError,
            r"fake_quantizer lost weights: the file holds \d+ bytes of",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_converter_says_is_compared_with_the_file(
    write: fake_toolkit.Write,
    kind: type[EdgeExportError],
    message: str,
    toolkit: ModuleType,
    float_file: Artifact,
    tmp_path: Path,
) -> None:
    toolkit.write = write
    with pytest.raises(kind, match=message):
        job.convert("fake_quantizer", ConversionRequest(float_file, tmp_path / "new.tflite", Precision.FP32))
    assert not list(tmp_path.iterdir())


def test_names_that_the_source_has_not_are_lost_names(
    toolkit: ModuleType, float_file: Artifact, tmp_path: Path
) -> None:
    outputs = (dataclasses.replace(float_file.source.outputs[0], name="scores"),)
    renamed = dataclasses.replace(float_file, source=Signature(float_file.source.inputs, outputs))
    toolkit.write = fake_toolkit.copy
    with pytest.raises(ContractError, match=r"fake_quantizer lost names of outputs: \['logits'\]"):
        job.convert("fake_quantizer", ConversionRequest(renamed, tmp_path / "new.tflite", Precision.FP32))


def test_keras_variables_that_were_not_frozen_are_found(toolkit: ModuleType, tmp_path: Path) -> None:
    """The trap itself: a closure over a Keras 3 model converts to a small, wrong file without a word."""
    import tensorflow as tf

    from converters import source
    from converters.litert.signature import described

    def careless(request: ConversionRequest) -> Signature:
        module, model = tf.Module(), source.load(request.source)
        module.held = model.variables  # Keras' own variables, not TensorFlow's
        module.serve = tf.function(lambda image: {"logits": model(image)})
        concrete = module.serve.get_concrete_function(tf.TensorSpec((1, 12, 20, 3), tf.float32, name="image"))
        request.target.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert())
        return described(request.target, request.source.source)

    toolkit.write = careless
    keras = MODELS["keras_conv"].source(tmp_path)
    with pytest.raises(ToolkitError, match="lost weights"):
        job.convert("fake_from_keras", ConversionRequest(keras, tmp_path / "new.tflite", Precision.FP32))


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            RuntimeError("first\nerror: op Foo is not supported\n   at line 3"),
            UnsupportedError,
            "op Foo is not supported$",
        ),
        (NotImplementedError("later"), UnsupportedError, "NotImplementedError: later"),
        (ValueError("one\ntwo\n---"), ToolkitError, "^fake_quantizer: ValueError: two$"),
        (KeyError(), ToolkitError, r"^fake_quantizer: KeyError \(arose in fail\)$"),
        (ValueError("x" * 9999), ToolkitError, "^fake_quantizer: ValueError: x{500}$"),
        (MemoryError(), ToolkitError, "ran out of memory"),
        (OSError("cannot load libfoo"), ToolkitError, "cannot load libfoo"),
        (UsageError("ours"), UsageError, "^ours$"),
    ],
)
def test_a_toolkit_s_errors_become_one_line(
    error: Exception,
    kind: type[EdgeExportError],
    message: str,
    toolkit: ModuleType,
    float_file: Artifact,
    tmp_path: Path,
) -> None:
    def fail(request: ConversionRequest) -> Signature:
        raise error

    toolkit.write = fail
    with pytest.raises(kind, match=message) as raised:
        job.convert("fake_quantizer", ConversionRequest(float_file, tmp_path / "new.tflite", Precision.FP32))
    assert type(raised.value) is kind


def test_the_file_system_s_errors_pass_for_the_driver_to_name(
    toolkit: ModuleType, float_file: Artifact, tmp_path: Path
) -> None:
    def full(request: ConversionRequest) -> Signature:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    toolkit.write = full
    with pytest.raises(OSError, match="No space left") as raised:
        job.convert("fake_quantizer", ConversionRequest(float_file, tmp_path / "new.tflite", Precision.FP32))
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"precision": Precision.FP16}, ContractError, "fake_quantizer makes fp32, dynamic, int8, not fp16"),
        ({"options": {"width": 3}}, ContractError, "knows no option width; it knows depth"),
        ({"precision": Precision.INT8}, ContractError, "needs calibration inputs for int8"),
        ({"format": Format.ONNX}, ContractError, "converts tflite, not onnx"),
        ({"source_precision": Precision.INT8}, ContractError, "starts from fp32, not int8"),
        ({"path": Path("gone.tflite")}, ModelError, r"the source file gone\.tflite is missing"),
        ({"calibration": {"picture": np.zeros(3)}}, ContractError, r"calibration holds \['picture'\], .*\['image'\]"),
        ({"calibration": {"image": np.zeros((0, 1))}}, ContractError, "calibration holds no samples"),
    ],
)
def test_requests_that_do_not_fit_are_refused_before_any_work(
    changes: dict[str, Any], kind: type[EdgeExportError], message: str, toolkit: ModuleType, float_file: Artifact,
    tmp_path: Path,
) -> None:  # fmt: skip
    source = dataclasses.replace(
        float_file,
        format=changes.get("format", float_file.format),
        precision=changes.get("source_precision", float_file.precision),
        path=changes.get("path", float_file.path),
    )
    request = ConversionRequest(source, tmp_path / "new.tflite", changes.get("precision", Precision.FP32))
    request = dataclasses.replace(request, options=changes.get("options", {}))
    if "calibration" in changes:
        np.savez(tmp_path / "c.npz", **changes["calibration"])
        request = dataclasses.replace(request, precision=Precision.INT8, calibration=tmp_path / "c.npz")
    with pytest.raises(kind, match=message):
        job.convert("fake_quantizer", request)


def test_files_that_cannot_be_inspected(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file"):
        job.inspect(tmp_path / "no.tflite", Format.TFLITE)
    (tmp_path / "empty.tflite").touch()
    with pytest.raises(ModelError, match=r"empty\.tflite is empty"):
        job.inspect(tmp_path / "empty.tflite", Format.TFLITE)


def test_samples_run_by_prefix_and_sessions_stay_open(float_file: Artifact, tmp_path: Path) -> None:
    tiny = MODELS["keras_conv"]
    golden = {f"input.{name}": value for name, value in tiny.inputs(3).items()}
    path = tmp_path / "golden.safetensors"
    safetensors.numpy.save_file(golden | {"output.logits": np.zeros((3, 1, 5), np.float32)}, path)
    tiny.check(job.run_samples("litert-xnnpack", float_file, path, "input."), 3)
    session = job.open_session("litert-xnnpack", float_file)
    assert job.open_session("litert-xnnpack", float_file) is session
    assert job.open_session("litert-xnnpack", float_file, threads=2) is not session
    assert job.placement("litert-xnnpack", float_file) == session.placement() != []


def test_of_samples_that_take_too_long_some_are_run_and_a_sequence_is_whole(
    toolkit: ModuleType, float_file: Artifact, tmp_path: Path
) -> None:
    np.savez(tmp_path / "s.npz", **MODELS["keras_conv"].inputs(80))

    def count(budget_s: float, *, stateful: bool = False) -> int:
        session = job.open_session("fake-runtime", float_file)
        session.stateful = stateful
        session.reset = lambda: None
        found = job.run_samples("fake-runtime", float_file, tmp_path / "s.npz", budget_s=budget_s)
        return len(found["logits"])

    assert [count(0.0), count(60.0), count(math.inf), count(0.0, stateful=True)] == [40, 80, 80, 80]
    every = job.run_samples("fake-runtime", float_file, tmp_path / "s.npz")["logits"]
    job.open_session("fake-runtime", float_file).stateful = False
    some = job.run_samples("fake-runtime", float_file, tmp_path / "s.npz", budget_s=0.0)["logits"]
    np.testing.assert_array_equal(some, every[::2])


def test_layouts_are_not_compared_with_the_file(toolkit: ModuleType, float_file: Artifact, tmp_path: Path) -> None:
    """A file does not know its layouts; the converter does."""
    toolkit.write = fake_toolkit.claim(layout="NWHC")
    made = job.convert("fake_quantizer", ConversionRequest(float_file, tmp_path / "x.tflite", Precision.FP32))
    assert made.signature.inputs[0] == TensorSpec("image", (1, 12, 20, 3), "float32", "NWHC", meaning="image")
