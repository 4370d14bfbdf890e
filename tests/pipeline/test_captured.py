from __future__ import annotations

import pytest
from typer.testing import CliRunner

from converters.contract import Format, TensorSpec
from converters.errors import UsageError
from pipeline.captured import capture, is_builder, title
from pipeline.lone import open_artifact, toolbox

TORCH = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6(), nn.Flatten(), nn.Linear(120, 5))

def wrong():
    model = build()
    model[0].weight.data[2] *= 1.01
    return model
"""
SIZES = (TensorSpec("image", (1, 3, 7, 8), "float32"),)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_model.py"
    path.write_text(TORCH)
    return path


def test_a_builder_is_told_from_a_file(file, tmp_path):
    assert is_builder(f"{file}:build")
    assert is_builder("package.models:build")
    assert not is_builder(file)
    assert not is_builder("model.tflite")
    assert not is_builder("C:/models/model.tflite")
    (tmp_path / "odd.py:name").write_bytes(b"")
    assert not is_builder(tmp_path / "odd.py:name")


@pytest.mark.torch
def test_it_is_built_in_a_worker_with_its_weights_beside_the_logs(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    with toolbox() as (pool, limits):
        artifact, pack = open_artifact("my_model.py:build", pool, limits, SIZES)
        assert artifact.path.is_relative_to(pool.log_folder)
        assert artifact.path.name == "weights.safetensors"
    assert pack is None
    assert artifact.format is Format.TORCH
    assert artifact.model == "my_model"
    assert title(artifact) == "my_model.py:build"
    assert [spec.shape for spec in artifact.source.inputs] == [(1, 3, 7, 8)]
    assert not artifact.path.exists()


@pytest.mark.tensorflow
def test_what_a_file_imports_decides_or_else_what_it_returns(tmp_path):
    (tmp_path / "layers.py").write_text(
        "import keras\ndef made():\n"
        "    x = keras.Input((4,), name='x')\n    return keras.Model(x, keras.layers.Dense(2)(x))\n"
    )
    (tmp_path / "hidden.py").write_text("import layers\ndef build():\n    return layers.made()\n")
    with toolbox() as (pool, limits):
        artifact = capture(f"{tmp_path / 'hidden.py'}:build", (), pool, limits)
        assert artifact.format is Format.KERAS
        assert artifact.path.name == "weights.weights.h5"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with toolbox() as (pool, limits), pytest.raises(UsageError, match=r"there is no file .*none\.py \(in .*give your"):
        open_artifact(tmp_path / "none.py:build", pool, limits)


@pytest.mark.torch
def test_drift_and_compare_take_builders(file):
    from pipeline.cli import app

    sides = [f"{file}:build", f"{file}:wrong"]
    sizes = ["--input", "image:1x3x7x8"]
    same = CliRunner().invoke(app, ["drift", sides[0], sides[0], *sizes])
    assert same.exit_code == 0, same.output
    other = CliRunner().invoke(app, ["drift", *sides, *sizes])
    assert other.exit_code == 1, other.output
    assert "only output channel 2 differs" in other.output
    compared = CliRunner().invoke(app, ["compare", *sides, *sizes, "--inputs", "random"])
    assert compared.exit_code == 1, compared.output
    assert "my_model.py:wrong (torch-eager) against my_model.py:build (torch-eager)" in compared.output
