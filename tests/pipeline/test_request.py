from __future__ import annotations

import pytest

from converters.contract import Format, Framework, Precision, TensorSpec
from converters.errors import ModelError, UsageError
from pipeline import config
from pipeline.request import (
    USUAL_TARGETS,
    Request,
    framework_of_file,
    frameworks_of,
    name_of,
    parse_input,
    precisions_of,
    start_of,
    targets_of,
)


@pytest.fixture(scope="module")
def configs():
    return config.load()


def test_targets(configs):
    assert targets_of(("all",), configs) == tuple(configs.targets)
    assert targets_of(("tflite", "onnx", "tflite"), configs) == ("tflite", "onnx")


def test_a_model_of_the_user_has_usual_targets(configs):
    assert targets_of((), configs, own_model=True) == USUAL_TARGETS
    assert set(USUAL_TARGETS) <= set(configs.targets)


@pytest.mark.parametrize(
    ("names", "match"), [((), "no target was given"), (("tflight",), "no target is called 'tflight'")]
)
def test_a_target_that_is_not_there_says_what_is(configs, names, match):
    with pytest.raises(UsageError, match=rf"(?s){match}.*tflite.*onnx.*torchscript.*make export TARGET=tflite"):
        targets_of(names, configs)


def test_precisions():
    assert precisions_of(("int8",)) == (Precision.INT8, Precision.INT8_IO)
    assert precisions_of(("int8-io", "fp32")) == (Precision.INT8_IO, Precision.FP32)
    assert precisions_of(("fp32", "all")) == ()
    with pytest.raises(UsageError, match="no precision is called 'int4'; there are fp32"):
        precisions_of(("int4",))


def test_frameworks():
    model = config.load_model("fashion-cnn")
    request = Request((), "fashion-cnn")
    assert frameworks_of(request, model) == (Framework.TORCH, Framework.TENSORFLOW)
    assert frameworks_of(Request((), "", frameworks=("both",)), model) == (Framework.TORCH, Framework.TENSORFLOW)
    assert frameworks_of(Request((), "", frameworks=("torch",)), model) == (Framework.TORCH,)
    with pytest.raises(UsageError, match="no framework is called 'jax'; there are torch, tensorflow, onnx, both"):
        frameworks_of(Request((), "", frameworks=("jax",)), model)


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("import torch.nn as nn", Framework.TORCH),
        ("from torch import nn\nimport numpy", Framework.TORCH),
        ("def f():\n    import keras", Framework.TENSORFLOW),
        ("import tensorflow as tf", Framework.TENSORFLOW),
    ],
)
def test_the_framework_of_a_file_is_read_without_running_it(tmp_path, text, framework):
    file = tmp_path / "m.py"
    file.write_text(f"{text}\nraise SystemExit('it was run')\n")
    assert framework_of_file(f"{file}:build") is framework


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("import torch, keras", "imports both torch and tensorflow; say which"),
        ("import numpy", "imports neither torch nor keras; say which"),
        ("def (", "cannot be read as Python"),
    ],
)
def test_a_file_that_does_not_tell(tmp_path, text, match):
    (tmp_path / "m.py").write_text(text)
    with pytest.raises(UsageError, match=match):
        framework_of_file(f"{tmp_path / 'm.py'}:build")


def test_a_file_that_is_not_there():
    with pytest.raises(UsageError, match="there is no file nowhere.py"):
        framework_of_file("nowhere.py:build")


def test_names():
    model = config.load_model("fashion-cnn")
    assert name_of(Request((), "fashion-cnn"), model) == "fashion-cnn"
    assert name_of(Request((), "fashion-cnn", data="some/Cats & dogs"), model) == "Cats & dogs-cnn"
    assert name_of(Request((), "a/my_net.py:build"), None) == "my_net"
    assert name_of(Request((), "fashion-cnn", name="mine"), model) == "mine"
    assert Request((), "a.py:b").own_model
    assert not Request((), "fashion-cnn").own_model


def test_inputs():
    assert parse_input("image:1x3x8x9:uint8") == TensorSpec("image", (1, 3, 8, 9), "uint8")
    assert parse_input("x:5") == TensorSpec("x", (5,), "float32")
    assert parse_input("x:5:float32:-1..2.5") == TensorSpec("x", (5,), "float32", limits=(-1.0, 2.5))
    assert parse_input("ids:1x9:int64:0..29").limits == (0.0, 29.0)
    for text in ("image", "x:1x0", "x:", "x:5:float32:1"):
        with pytest.raises(UsageError, match="not of the form"):
            parse_input(text)
    with pytest.raises(UsageError, match="3 is not less than 3"):
        parse_input("x:5:float32:3..3")
    with pytest.raises(UsageError, match="given twice for x"):
        Request(("tflite",), "m.py:make", inputs=(parse_input("x:5"), parse_input("x:6")))
    with pytest.raises(UsageError, match="'float33' is no tensor type"):
        parse_input("x:5:float33")


@pytest.mark.parametrize(
    ("model", "file"),
    [("fashion-cnn", False), ("a/net.py:build", False), ("mine.toml", False), ("net.onnx", True), ("a/net", True)],
)
def test_a_source_that_looks_like_a_file_is_one(model, file):
    assert (Request((), model).file is not None) is file


def test_a_files_format_is_told_by_its_bytes(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    request = Request((), str(tmp_path))
    assert start_of(request) is Format.SAVEDMODEL
    assert frameworks_of(request, None, Format.SAVEDMODEL) == (Framework.TENSORFLOW,)
    assert name_of(request, None) == tmp_path.name
    with pytest.raises(UsageError, match="is a savedmodel file, which is tensorflow, not torch"):
        frameworks_of(Request((), str(tmp_path), frameworks=("torch",)), None, Format.SAVEDMODEL)


def test_finished_artifacts_and_plain_python_are_no_sources(tmp_path):
    (tmp_path / "m.mlpackage").mkdir()
    (tmp_path / "m.mlpackage" / "Manifest.json").write_text('{"rootModelIdentifier": "x"}')
    with pytest.raises(UsageError, match=r"a finished coreml artifact.*edge-export validate .*m.mlpackage"):
        start_of(Request((), str(tmp_path / "m.mlpackage")))
    with pytest.raises(UsageError, match=r"net.py is Python: .* net.py:build"):
        start_of(Request((), "net.py"))
    with pytest.raises(ModelError, match="net.onnx does not exist"):
        start_of(Request((), "net.onnx"))


def test_an_input_that_always_has_one_value():
    assert parse_input("sr=16000") == TensorSpec("sr", (), "int64", limits=(16000, 16000))
    assert parse_input("gain=-0.5").dtype == "float64"
    assert parse_input("on=true") == TensorSpec("on", (), "bool", limits=(1, 1))
    assert parse_input("rate:scalar:int32:8..16") == TensorSpec("rate", (), "int32", limits=(8, 16))
    assert parse_input("input_1:0:1x4") == TensorSpec("input_1:0", (1, 4), "float32")
    with pytest.raises(UsageError, match=r"for one that never changes, name=16000"):
        parse_input("sr=fast")
