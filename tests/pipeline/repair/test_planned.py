from __future__ import annotations

from pathlib import Path

import pytest

from converters.errors import DataError, UsageError
from pipeline import config
from pipeline.plan import make_plan
from pipeline.repair.planned import _only, of_model
from pipeline.request import Request

CONFIGS = config.load()


def request(*targets: str, frameworks: tuple[str, ...] = ("torch",), precisions: tuple[str, ...] = ("fp32", "int8")):
    return Request(targets, "digits-cnn", frameworks, precisions)


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_model_has_its_float_file_and_the_calibration_of_its_int8_file(framework: str) -> None:
    cell, calibration = _only(make_plan(request("tflite", frameworks=(framework,)), CONFIGS))
    assert cell.file == f"digits-cnn_{framework}_litert_fp32.tflite"
    assert calibration.name.startswith("calibration")


def test_several_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="repair takes one file, this is .*onnx.*: name one --framework and one --tar"):
        of_model(request("tflite", "onnx"), tmp_path / "w", CONFIGS)


def test_a_model_without_data_cannot_be_judged(tmp_path: Path) -> None:
    import toy_workers

    own = toy_workers.request(tmp_path / "p", "fp32", "int8", targets=("onnx",))
    with pytest.raises(DataError, match="the model has no data to be judged by: give --data"):
        of_model(own, tmp_path / "w", CONFIGS)
