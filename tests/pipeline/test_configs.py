from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from converters.contract import Precision
from converters.errors import ConfigError
from pipeline.config import load_model, model_names
from pipeline.configs import load_configs


def gates_file(text):
    Path("gates.toml").write_text(text)
    return Path("gates.toml")


def test_the_users_gates_are_laid_over_ours_key_by_key():
    _, ours = load_configs(None, None)
    _, laid = load_configs(None, gates_file('[parity.fp32]\nmin_snr_db = 60.0\nreason = "a noisy device"\n'))
    assert laid.parity[Precision.FP32].min_snr_db == 60.0
    assert laid.parity[Precision.FP32].min_samples == ours.parity[Precision.FP32].min_samples
    assert laid.parity[Precision.INT8] == ours.parity[Precision.INT8]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[placement.litert-xnpack]\ndevice = "x"\nmin_share = 1.0\nreason = "r"\n', "did you mean 'litert-xnnpack'"),
        ("[parity.fp32]\nmin_snr_db = 60.0\n", "needs its own `reason`"),
        ('[parity.fp32]\nmin_snr = 60.0\nreason = "r"\n', "did you mean 'min_snr_db'"),
        ("[parity.fp32\n", "cannot be read as TOML"),
    ],
)
def test_a_gate_that_would_judge_nothing_is_an_error(text, match):
    with pytest.raises(ConfigError, match=match):
        load_configs(None, gates_file(text))


def test_gates_of_a_model_lie_between_ours_and_the_users():
    digits = load_model("digits-cnn")
    ours, models = load_configs(None, None)[1], load_configs(None, None, digits)[1]
    assert models.accuracy[Precision.INT8].margin_points > ours.accuracy[Precision.INT8].margin_points
    assert models.parity == ours.parity
    text = '[accuracy.int8]\nmargin_points = 0.1\nreason = "more data"\n'
    users = load_configs(None, gates_file(text), digits)[1].accuracy[Precision.INT8]
    assert (users.margin_points, users.reason) == (0.1, "more data")
    assert users.max_drop_points == models.accuracy[Precision.INT8].max_drop_points


@pytest.mark.parametrize("name", model_names())
def test_gates_of_every_reference_model_are_valid(name):
    assert load_configs(None, None, load_model(name))[1].accuracy


def test_a_wrong_gate_of_a_model_is_an_error():
    model = dataclasses.replace(load_model("digits-cnn"), gates={"accuracy": {"int9": {"reason": "r"}}})
    with pytest.raises(ConfigError, match="unknown precision 'int9'"):
        load_configs(None, None, model)


def test_a_folder_of_the_users_takes_the_place_of_the_files_that_it_has():
    Path("mine/recipes").mkdir(parents=True)
    Path("mine/recipes/int8.toml").write_text('title = "t"\ncalibration_samples = 7\n')
    configs, gates = load_configs(Path("mine"), None)
    assert configs.recipes[Precision.INT8].calibration_samples == 7
    assert configs.recipes[Precision.INT8_IO].calibration_samples != 7
    assert gates == load_configs(None, None)[1]


def test_gates_of_the_users_folder_must_be_complete_or_say_what_lacks():
    Path("mine").mkdir()
    Path("mine/gates.toml").write_text('[latency]\nconfidence = 0.9\nreason = "r"\n')
    with pytest.raises(ConfigError, match=r"gates \[parity.fp32\] is missing"):
        load_configs(Path("mine"), None)


def test_a_gates_file_that_is_not_there_is_an_error_not_the_default():
    with pytest.raises(ConfigError, match="none.toml does not exist"):
        load_configs(None, Path("none.toml"))
