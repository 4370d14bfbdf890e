import json
import zipfile
from pathlib import Path

import pytest
import saved_models

from converters.errors import ModelError
from converters.model_files import keras_file

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("name", ["two.keras", "two.h5"])
def test_a_whole_model_is_opened(tmp_path: Path, name: str) -> None:
    model = keras_file.load(saved_models.keras_file(tmp_path, name))
    assert [tensor.name for tensor in model.inputs] == ["image", "extra"]


@pytest.mark.parametrize("name", ["l.keras", "l.h5"])
def test_a_lambda_layer_is_named_and_not_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="layer 'doubled' is a Lambda, which runs Python code inside the file"):
        keras_file.load(saved_models.lambda_file(tmp_path, name))


def test_classes_of_others_are_named(tmp_path: Path) -> None:
    path = saved_models.keras_file(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][0] |= {"class_name": "Mine", "module": "os.path"}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match="is a Mine, a class of os.path that Keras does not know"):
        keras_file.load(path)


def test_damage_is_said(tmp_path: Path) -> None:
    path = saved_models.keras_file(tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{")
        archive.writestr("model.weights.h5", "x")
    with pytest.raises(ModelError, match="is a damaged Keras model"):
        keras_file.load(path)
