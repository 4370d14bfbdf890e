from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.errors import UnsupportedError
from converters.ort.convert import OPERATORS

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]
TINY = ("torch_conv", "torch_two_in_two_out", "torch_mixed")


def run(artifact: Artifact, name: str, folder: Path) -> dict[str, np.ndarray]:
    np.savez(folder / "samples.npz", **MODELS[name].inputs(8))
    return job.run_samples("onnxruntime", artifact, folder / "samples.npz")


@pytest.mark.parametrize("name", TINY)
def test_an_ort_file_computes_what_the_onnx_file_does(
    name: str, ort_file: Exported, onnx_file: Exported, tmp_path: Path
) -> None:
    wanted, found = run(onnx_file(name), name, tmp_path), run(ort_file(name), name, tmp_path)
    assert set(found) == set(wanted)
    for output, value in wanted.items():
        assert np.abs(found[output] - value).max() <= 1e-5 * np.ptp(value), output


def test_int8_is_quantized_before_it_is_optimised(ort_file: Exported, onnx_file: Exported, tmp_path: Path) -> None:
    made = ort_file("torch_conv", Precision.INT8)
    operators = {op.type for op in job.inspect(made.path, Format.ORT).ops}
    assert "com.microsoft.QLinearConv" in operators or "QLinearConv" in operators
    wanted, found = (run(one, "torch_conv", tmp_path)["logits"] for one in (onnx_file("torch_conv"), made))
    assert 0 < np.abs(found - wanted).max() < 0.05 * np.ptp(wanted)


def test_the_operators_that_a_build_needs_lie_beside_it(ort_file: Exported) -> None:
    made = ort_file("torch_conv")
    assert made.beside == (OPERATORS,)
    text = made.path.with_name(f"{made.path.name}.{OPERATORS}").read_text()
    listed = {
        op if domain == "ai.onnx" else f"{domain}.{op}"
        for domain, _, ops in (line.split(";") for line in text.splitlines())
        for op in ops.split(",")
    }
    assert listed == {op.type for op in job.inspect(made.path, Format.ORT).ops}
    assert "tmp" not in text


def test_no_processor_s_own_layout_is_baked_in(ort_file: Exported) -> None:
    types = {op.type for op in job.inspect(ort_file("torch_conv").path, Format.ORT).ops}
    assert not [name for name in types if "nchwc" in name.lower()]


def test_a_model_that_onnx_runtime_does_not_load_is_unsupported(onnx_file: Exported, tmp_path: Path) -> None:
    import dataclasses

    import onnx

    model = onnx.load(onnx_file("torch_conv").path)
    model.graph.node[0].op_type, model.graph.node[0].domain = "Nobody", "nowhere"
    model.opset_import.append(onnx.helper.make_opsetid("nowhere", 1))
    onnx.save(model, tmp_path / "alien.onnx")
    source = dataclasses.replace(onnx_file("torch_conv"), path=tmp_path / "alien.onnx")
    request = ConversionRequest(source, tmp_path / "alien.ort", Precision.FP32)
    with pytest.raises(UnsupportedError, match=r"does not make an ORT file of it.*Nobody"):
        job.convert("ort_from_onnx", request)
    assert not list(tmp_path.glob("*.config"))
