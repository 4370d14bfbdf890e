from pathlib import Path

import keras
import pytest
import saved_models

from converters.contract import Format
from converters.errors import ModelError
from converters.tf_graph.inspect import inspect

pytestmark = pytest.mark.tensorflow


def test_a_saved_model_tells_its_tensors_and_operators(tmp_path: Path) -> None:
    found = inspect(saved_models.saved_model(tmp_path))
    assert found.format is Format.SAVEDMODEL
    assert {op.type for op in found.ops} >= {"MatMul", "SelectV2"}
    assert {(t.shape, t.dtype) for t in found.tensors if t.constant} >= {((3, 4), "float32")}
    assert not found.stateful


def test_the_same_weights_have_the_same_hash_in_both_keras_formats(tmp_path: Path) -> None:
    archive, old = (inspect(saved_models.keras_file(tmp_path, name)) for name in ("a.keras", "a.h5"))
    assert archive.graph_hash == old.graph_hash
    assert [spec.name for spec in archive.signature.inputs] == ["image", "extra"]
    assert [spec.name for spec in archive.signature.outputs] == ["cls", "side"]


def test_state_is_told(tmp_path: Path) -> None:
    found = inspect(saved_models.saved_model(tmp_path, "counter"))
    assert found.stateful
    assert "AssignAddVariableOp" in {op.type for op in found.ops}


def test_a_model_that_was_never_built_says_nothing(tmp_path: Path) -> None:
    keras.Sequential([keras.layers.Dense(3)]).save(str(tmp_path / "m.keras"))
    with pytest.raises(ModelError, match="saved before it was built"):
        inspect(tmp_path / "m.keras")
