"""A file made ready for a converter, in a worker's words."""

from __future__ import annotations

import numpy as np
import onnx
from onnx_nodes import model_of, normal

from converters import job, prepass_job
from converters.contract import Artifact, Format, Precision


def _artifact(tmp_path, model) -> Artifact:
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    signature = job.inspect(path, Format.ONNX).signature
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature, model="m")


def test_the_prepared_file_says_what_was_replaced(tmp_path) -> None:
    source = _artifact(tmp_path, model_of("Softsign", normal(2, 3)))
    made = prepass_job.prepared("tflite_from_onnx", source, tmp_path / "ready.onnx")
    assert made.notes == ("the pre-pass replaced 1 Softsign, each proved in ONNX Runtime",)
    assert made.path == tmp_path / "ready.onnx"
    assert made.sha256
    assert made.signature == source.signature
    inspection = job.inspect(made.path, Format.ONNX)
    assert "Softsign" not in {op.type for op in inspection.ops}


def test_what_stays_is_said_too(tmp_path) -> None:
    x = normal(1, 1, 5, 5)
    regions = {"r": np.array([[0, 0, 4, 4]], np.float32), "i": np.array([0])}
    source = _artifact(tmp_path, model_of("RoiAlign", x, regions, mode="max", output_height=2, output_width=2))
    (note,) = prepass_job.prepared("tflite_from_onnx", source, tmp_path / "ready.onnx").notes
    assert note.startswith("pre-pass: RoiAlign `RoiAlign_0` stays: replaced, values differ")


def test_samples_are_what_it_is_proved_on(tmp_path) -> None:
    x = normal(2, 3)
    source = _artifact(tmp_path, model_of("Acosh", x))
    np.savez(tmp_path / "s.npz", **{"input/x": np.abs(normal(4, 2, 3)) + 1})
    made = prepass_job.prepared("tflite_from_onnx", source, tmp_path / "r.onnx", tmp_path / "s.npz", "input/")
    assert made.notes == ("the pre-pass replaced 1 Acosh, each proved in ONNX Runtime",)


def test_nothing_to_tell(tmp_path) -> None:
    source = _artifact(tmp_path, model_of("Relu", normal(2, 3)))
    assert prepass_job.prepared("tflite_from_onnx", source, tmp_path / "r.onnx").notes == ()
