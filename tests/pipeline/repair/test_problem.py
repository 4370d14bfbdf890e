from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import flat_models
import numpy as np
import pytest

from converters.contract import Artifact
from converters.errors import DataError, ModelError, UnsupportedError, UsageError
from pipeline.repair.candidates import Bench
from pipeline.repair.problem import of_file


def test_a_file_and_data_are_a_problem(
    nets: dict[str, Artifact], data: Callable[..., Path], tools: object, tmp_path: Path
) -> None:
    problem = of_file(nets["relu"].path, str(data("relu")), 64, tmp_path, *tools)
    assert problem.edge.name == "quantize_litert"
    assert problem.calibration_samples == 64
    assert problem.inputs["image"].shape == (1000, 1, 6, 8, 1)
    assert problem.targets is not None
    assert problem.targets.shape == (1000,)


def test_pictures_find_the_layout_of_an_input_that_does_not_name_it(
    nets: dict[str, Artifact], tools: object, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 8, 1)).astype(np.uint8)
    np.savez(tmp_path / "pixels.npz", image=pixels)
    for name, shape in (("relu", (8, 1, 6, 8, 1)), ("onnx", (8, 1, 1, 6, 8))):
        problem = of_file(nets[name].path, str(tmp_path / "pixels.npz"), 16, tmp_path, *tools)
        assert problem.inputs["image"].shape == shape
        assert problem.source.source.inputs[0].layout in ("", "NCHW")
    np.savez(tmp_path / "other.npz", image=np.zeros((40, 9, 8, 1), np.uint8))
    with pytest.raises(DataError, match="relu.tflite takes 1x6x8x1, the images are 9x8x1"):
        of_file(nets["relu"].path, str(tmp_path / "other.npz"), 16, tmp_path, *tools)


def test_an_int8_file_is_repaired_already_or_never(
    bench: Callable[..., Bench], data: Callable[..., Path], tools: object, tmp_path: Path
) -> None:
    made = bench("relu").candidate({})
    with pytest.raises(ModelError, match=r"is int8 already: repair starts from the float file"):
        of_file(made.artifact.path, str(data("relu")), 16, tmp_path, *tools)


def test_what_is_missing_is_named(nets: dict[str, Artifact], tools: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="repair needs --data"):
        of_file(nets["relu"].path, "", 16, tmp_path, *tools)
    with pytest.raises(DataError, match="there is no data 'nowhere'"):
        of_file(nets["relu"].path, "nowhere", 16, tmp_path, *tools)
    with pytest.raises(ModelError, match="gone.tflite"):
        of_file(tmp_path / "gone.tflite", "digits", 16, tmp_path, *tools)


def test_data_of_another_shape_are_refused(tools: object, tmp_path: Path) -> None:
    flat_models.affine(tmp_path / "affine.tflite")
    np.savez(tmp_path / "x.npz", x=np.zeros((20, 5), np.float32))
    with pytest.raises(DataError, match="the model's input 'x' takes 1x2x3 a sample, the data has 5"):
        of_file(tmp_path / "affine.tflite", str(tmp_path / "x.npz"), 4, tmp_path, *tools)


@pytest.mark.torch
def test_a_format_that_nothing_here_quantizes_is_named(tools: object, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "net.pt"
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(path))
    with pytest.raises(UnsupportedError, match=r"net\.pt is a torchscript file; repair takes .*tflite"):
        of_file(path, "digits", 16, tmp_path, *tools)
