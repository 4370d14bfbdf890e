from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from converters.contract import Precision
from converters.errors import ConfigError, UsageError
from pipeline import config


@dataclass(frozen=True)
class Sample:
    name: str
    ratio: float
    count: int = 1
    names: tuple[str, ...] = ()
    table: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


WHERE = Path("some.toml")


def test_parse_fills_a_dataclass():
    data = {"name": "x", "ratio": 1, "names": ["a"], "table": {"t": {"k": 3}}}
    assert config.parse(Sample, data, WHERE) == Sample("x", 1.0, 1, ("a",), {"t": {"k": 3}})


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (
            {"name": "x", "ratio": 1.0, "cuont": 2},
            r"some.toml: unknown key 'cuont' \(did you mean 'count'\?\); known are",
        ),
        ({"name": "x"}, "some.toml: ratio must be given"),
        ({"name": 3, "ratio": 1.0}, "name: expected str, found 3"),
        ({"name": "x", "ratio": True}, "ratio: expected float, found True"),
        ({"name": "x", "ratio": 1.0, "count": 1.5}, "count: expected int, found 1.5"),
        ({"name": "x", "ratio": 1.0, "names": "a"}, "names: expected a list"),
        ({"name": "x", "ratio": 1.0, "table": {"t": 1}}, "table.t: expected a table"),
        ([], "expected a table"),
    ],
)
def test_what_does_not_fit_is_named(data, match):
    with pytest.raises(ConfigError, match=match):
        config.parse(Sample, data, WHERE)


def test_the_projects_own_configuration_loads_whole():
    configs = config.load()
    assert {"tflite", "onnx", "torchscript", "executorch"} <= set(configs.targets)
    assert set(configs.recipes) == set(Precision)
    assert configs.recipes[Precision.INT8].calibration_samples >= 100


@pytest.mark.parametrize("name", config.model_names())
def test_every_reference_model_loads(name):
    model = config.load_model(name)
    assert model.name == name
    assert set(model.builders) == {"torch", "tensorflow"}


def test_a_file_in_the_users_folder_takes_the_place_of_ours(tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "int8.toml").write_text('title = "mine"\ncalibration_samples = 7\n')
    configs = config.load(tmp_path)
    assert configs.recipes[Precision.INT8].calibration_samples == 7
    assert configs.recipes[Precision.FP32] == config.load().recipes[Precision.FP32]


@pytest.mark.parametrize(
    ("file", "text", "match"),
    [
        ("limits.toml", "memory_fraction = 'much'", r"limits.toml: memory_fraction: expected float, found 'much'"),
        ("limits.toml", "memory fraction = 1", "limits.toml cannot be read as TOML"),
        ("targets.toml", '[x]\ntitle="x"\nformat="exe"\nruntimes=[]', r"\[x\] format must be one of"),
        ("recipes/fp16.toml", 'title = "x"\nbits = 3', "unknown key 'bits'"),
    ],
)
def test_a_broken_file_is_named(tmp_path, file, text, match):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    with pytest.raises(ConfigError, match=match):
        config.load(tmp_path)


def test_missing_places_are_named(tmp_path):
    with pytest.raises(ConfigError, match="configuration folder .* does not exist"):
        config.load(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"none.toml does not exist"):
        config.read_toml(tmp_path / "none.toml")


def test_an_unknown_model_says_what_exists():
    with pytest.raises(
        UsageError, match=r"no model is called 'fashion-cn' \(did you mean 'fashion-cnn'\?\).*file.py:function"
    ):
        config.load_model("fashion-cn")


def test_a_model_of_an_unknown_framework(tmp_path):
    (tmp_path / "m.toml").write_text('name="m"\ntitle="m"\ndataset="digits"\n[builders]\njax="a:b"\n')
    with pytest.raises(ConfigError, match="'jax' is no framework"):
        config.load_model(str(tmp_path / "m.toml"))
