from __future__ import annotations

import pytest

from converters.contract import Precision
from converters.errors import ConfigError
from pipeline import project
from pipeline.configs import load_configs

PREPROCESSING = ("scale", "mean", "std", "colour", "resize")


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
        (
            'model = "net.onnx"\ndata = "digits"\n[preprocessing]\nmeen = [1.0]',
            r"\[preprocessing\]: unknown key 'meen' \(did you mean 'mean'",
        ),
        ('model = "net.onnx"\ndata = "digits"\n[preprocessing]\nmean = 1.0', r"mean: expected a list, found 1\.0"),
        ('model = "net.onnx"\ndata = "digits"\n[preprocessing]\nstd = [0.0]', r"toml: \[preprocessing\] scale, mean"),
        ('model = "net.onnx"\ndata = "digits"\n[preprocessing]\ncolour = "cmyk"', "it is one of rgb, bgr, grey"),
        ('model = "net.onnx"\npreprocessing = 1', "expected a table, found 1"),
        ('model = "net.onnx"\n[preprocessing]\nscale = 0.5', "of the images of `data`, and it names none"),
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
    uncommented = project.text("net.onnx", ("x:1x4:float32",), "digits").replace("# [", "[")
    for key in ("labels", "image_size", "precisions", "devices", "min_snr_db", "reason", *PREPROCESSING):
        uncommented = uncommented.replace(f"# {key} =", f"{key} =")
    (tmp_path / "labels.txt").write_text("a")
    whole = project.load(written(tmp_path, uncommented))
    gates = load_configs(None, None, None, whole.gates)[1]
    assert gates.parity[Precision.INT8].min_snr_db == 20
    assert whole.preprocessing.mean == (0.485, 0.456, 0.406)
    assert whole.preprocessing.scale == pytest.approx(1 / 255)
