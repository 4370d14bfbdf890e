from __future__ import annotations

import pytest

from converters.errors import ConfigError
from pipeline import project


def written(folder, text):
    (folder / "net.onnx").write_bytes(b"x")
    path = folder / project.FILE
    path.write_text(text)
    return path


def test_the_nearest_file_above_counts(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert project.find(inner) is None or tmp_path not in project.find(inner).parents
    path = written(tmp_path, 'model = "net.onnx"\n')
    assert project.find(inner) == path
    near = written(tmp_path / "a", 'model = "net.onnx"\n')
    assert project.find(inner) == near


def test_places_are_relative_to_the_file(tmp_path):
    (tmp_path / "code.py").write_text("")
    found = project.load(written(tmp_path, 'model = "net.onnx"\ndata = "code.py:samples"\nout = "made"\n'))
    assert found.model == str(tmp_path / "net.onnx")
    assert found.data == f"{tmp_path / 'code.py'}:samples"
    assert found.out == str(tmp_path / "made")
    assert project.load(written(tmp_path, 'model = "net.onnx"\ndata = "digits"\n')).data == "digits"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'model = "net.onnx"\ntargts = ["onnx"]',
            r"unknown key 'targts' \(did you mean 'targets'\?\); known are model",
        ),
        ('model = "net.onnx"\ntargets = "onnx"', "targets: expected a list"),
        ('targets = ["onnx"]', "model must be given"),
        ('model = "none.onnx"', "model names 'none.onnx', and there is no"),
        ('model = "none.py:build"', "model names 'none.py:build', and there is no"),
        ("model = ", "cannot be read as TOML"),
    ],
)
def test_what_it_cannot_mean_is_said(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        project.load(written(tmp_path, text))


@pytest.mark.parametrize("inputs", [(), ("x:1x4:float32",), ("x:?x4:float32",)])
@pytest.mark.parametrize("data", ["", "digits"])
def test_what_is_written_is_read_back(tmp_path, inputs, data):
    found = project.load(written(tmp_path, project.text("net.onnx", inputs, data)))
    assert found.data == data
    assert found.inputs == (inputs if inputs and "?" not in inputs[0] else ())
    assert found.targets == ("tflite", "onnx")
    uncommented = project.text("net.onnx", ("x:1x4:float32",), "digits").replace("# [gates", "[gates")
    for key in ("labels", "image_size", "precisions", "devices", "snr_db", "reason"):
        uncommented = uncommented.replace(f"# {key} =", f"{key} =")
    (tmp_path / "labels.txt").write_text("a")
    assert project.load(written(tmp_path, uncommented)).gates["parity"]["int8"]["snr_db"] == 20
