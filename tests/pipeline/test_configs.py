from __future__ import annotations

from pathlib import Path

import pytest

from converters.contract import Precision
from converters.errors import ConfigError
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
