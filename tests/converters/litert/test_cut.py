from __future__ import annotations

from pathlib import Path

import flat_models
import numpy as np

from converters.litert import runtime
from converters.litert.cut import alike, single_operator
from converters.litert.flatbuffer import opened
from converters.litert.signature import read_signature


def test_an_operator_runs_alone(tmp_path: Path) -> None:
    """y = 2 x + 1 is MUL, then ADD; ADD alone adds 1."""
    artifact = flat_models.affine(tmp_path / "affine.tflite")
    with opened(artifact.path) as model:
        (tmp_path / "add.tflite").write_bytes(single_operator(model, 0, 1))
    signature = read_signature(tmp_path / "add.tflite")
    assert [spec.name for spec in (*signature.inputs, *signature.outputs)] == ["twice", "out"]
    alone = type(artifact)(tmp_path / "add.tflite", artifact.format, artifact.precision, signature, signature)
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    np.testing.assert_array_equal(runtime.open(alone, runtime.REFERENCE, 1).run({"twice": x})["out"], x + 1)


def test_what_a_delegate_may_tell_apart(tmp_path: Path) -> None:
    with opened(flat_models.affine(tmp_path / "a.tflite").path) as model:
        mul, add = alike(model, 0, 0), alike(model, 0, 1)
    with opened(flat_models.affine(tmp_path / "b.tflite").path) as model:
        assert alike(model, 0, 0) == mul
    with opened(flat_models.affine(tmp_path / "c.tflite", shape=(1, 2, 3, 4, 5)).path) as model:
        assert alike(model, 0, 0) not in (mul, add)
    assert mul != add
    assert len({mul, add}) == 2
