import shutil
from pathlib import Path

import pytest
import saved_models

from converters.errors import ModelError, UnsupportedError
from converters.model_files import saved_model

pytestmark = pytest.mark.tensorflow


def test_the_serving_signature_is_told_by_name(tmp_path: Path) -> None:
    served = saved_model.load(saved_models.saved_model(tmp_path))
    signature = saved_model.signature(served)
    assert [(spec.name, spec.shape, spec.dtype) for spec in signature.inputs] == [
        ("alpha", (None, 3), "int32"),
        ("mask", (None,), "bool"),
        ("zeta", (None, 3), "float32"),
    ]
    assert [spec.name for spec in signature.outputs] == ["a", "z"]
    assert set(saved_model.arguments(served)) == {"alpha", "mask", "zeta"}
    for name, tensor in saved_model.arguments(served).items():
        assert name in tensor.name


def test_python_functions_and_texts_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="operator .* needs a Python function"):
        saved_model.load(saved_models.saved_model(tmp_path, "python"))
    with pytest.raises(UnsupportedError, match="`text` has the type string"):
        saved_model.signature(saved_model.load(saved_models.saved_model(tmp_path, "text")))


def test_slots_of_an_old_optimizer_are_left_out(tmp_path: Path) -> None:
    path = saved_models.saved_model(tmp_path)
    message = saved_model.check(path)
    node = message.meta_graphs[0].object_graph_def.nodes[0]
    node.slot_variables.add(original_variable_node_id=1, slot_name="m", slot_variable_node_id=1)
    (path / "saved_model.pb").write_bytes(message.SerializeToString())
    assert [held.path for held in saved_model.load(path).variables]


def test_damage_is_said(tmp_path: Path) -> None:
    path = saved_models.saved_model(tmp_path)
    whole = (path / "saved_model.pb").read_bytes()
    (path / "saved_model.pb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="damaged SavedModel"):
        saved_model.load(path)
    (path / "saved_model.pb").write_bytes(whole)
    (path / "variables" / "variables.index").unlink()
    with pytest.raises(ModelError, match="variables are not whole"):
        saved_model.load(path)


def test_a_folder_without_its_weights_is_said(tmp_path: Path) -> None:
    path = saved_models.saved_model(tmp_path)
    shutil.rmtree(path / "variables")
    with pytest.raises(ModelError, match="lacks .*/variables, where its weights are; copy the whole folder"):
        saved_model.load(path)
