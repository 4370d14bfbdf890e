from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import EdgeExportError, ModelError
from converters.executorch import inspect
from converters.executorch.graph import Graph, Value
from converters.executorch.program import Program
from pipeline.checks.gates import PrecisionGate
from pipeline.checks.outcome import Outcome
from pipeline.checks.precision import check_precision

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]
GATE = PrecisionGate(min_weight_share=0.99, small_elements=16, max_float_ops=0, max_grid_share=0.1, reason="test")


@pytest.mark.parametrize("backend", ["xnnpack", "portable", "vulkan"])
def test_weights_and_signature_of_a_float_file(exported: Exported, backend: str, tmp_path: Path) -> None:
    from converters import source

    found = job.inspect(exported("torch_conv", backend).path, Format.EXECUTORCH)
    assert found.signature == MODELS["torch_conv"].signature, "a lone file tells as much"
    weights = [tensor for tensor in found.tensors if tensor.constant and tensor.shape]
    assert {tensor.dtype for tensor in weights} == {"float32"}
    assert all(tensor.finite and tensor.size_bytes == 4 * np.prod(tensor.shape) for tensor in weights)
    parameters = source.parameter_count(MODELS["torch_conv"].source(tmp_path))
    assert sum(np.prod(tensor.shape) for tensor in weights) >= 0.9 * parameters
    assert found.metadata["methods"] == "forward, edge_export_signature"
    assert check_precision(found, Precision.FP32, GATE).outcome is Outcome.PASSED


@pytest.mark.parametrize("precision", ["int8", "int8-io"])
def test_an_int8_file_proves_what_it_claims(exported: Exported, precision: str) -> None:
    found = job.inspect(exported("torch_conv", precision=precision).path, Format.EXECUTORCH)
    check = check_precision(found, Precision(precision), GATE)
    assert (check.outcome, check.reasons) == (Outcome.PASSED, ())
    assert check.metrics["share_int8"] == 1.0
    other = check_precision(found, Precision.FP32, GATE)
    assert other.outcome is Outcome.FAILED
    assert "int8" in other.reasons[0]


@pytest.mark.slow
def test_operators_left_in_float_are_named(exported: Exported) -> None:
    found = job.inspect(exported("torch_two_in_two_out", precision="int8").path, Format.EXECUTORCH)
    check = check_precision(found, Precision.INT8, GATE)
    assert check.outcome is Outcome.FAILED
    assert "operators still compute in float: 1 x Tanh" in check.reasons[0]


def test_one_scale_for_all_channels_fails(exported: Exported) -> None:
    found = job.inspect(exported("torch_conv", precision="int8").path, Format.EXECUTORCH)
    coarse = tuple(dataclasses.replace(tensor, scales=min(tensor.scales, 1)) for tensor in found.tensors)
    check = check_precision(dataclasses.replace(found, tensors=coarse), Precision.INT8, GATE)
    assert "convolution weights with one scale for all channels" in check.reasons[0]


def test_hash_is_that_of_another_export(exported: Exported) -> None:
    first, second = exported("torch_conv"), exported("torch_conv", again="2")
    assert first.graph_hash == second.graph_hash
    hashes = {exported("torch_conv", *which).graph_hash for which in (("xnnpack",), ("portable",), ("vulkan",))}
    assert len(hashes) == 3


def test_a_weight_changed_by_hand_changes_the_hash(exported: Exported, tmp_path: Path) -> None:
    artifact = exported("torch_conv", "portable")
    whole = bytearray(artifact.path.read_bytes())
    whole[-1] ^= 0x40  # the last constant ends the file
    (tmp_path / "changed.pte").write_bytes(whole)
    assert job.inspect(tmp_path / "changed.pte", Format.EXECUTORCH).graph_hash != artifact.graph_hash


def test_files_of_others_have_made_up_names() -> None:
    values = [Value("a", (1, 3), "float32"), Value("b", (2,), "int8", scales=(0.5,), zero_point=4)]
    found = inspect.signature_of(Program({"execution_plan": []}, [], {}), Graph(values, [], (0,), (1, 0)))
    assert found == Signature(
        (TensorSpec("input_0", (1, 3), "float32"),),
        (TensorSpec("output_0", (2,), "int8", scale=0.5, zero_point=4), TensorSpec("output_1", (1, 3), "float32")),
    )


def test_a_signature_of_another_model_is_refused(exported: Exported) -> None:
    from converters.executorch.plan import read_graph
    from converters.executorch.program import opened

    message = r"damaged: its inputs are .*\(1, 6\), 'int64'.*the signature in it says"
    paths = exported("torch_conv").path, exported("torch_mixed").path
    with opened(paths[0]) as one, opened(paths[1]) as other, pytest.raises(ModelError, match=message):
        inspect.signature_of(one, read_graph(other))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_damage_is_an_error_and_never_a_crash(exported: Exported, tmp_path: Path, precision: str) -> None:
    whole, dice = exported("torch_conv", precision=precision).path.read_bytes(), random.Random(1)
    path, refusals = tmp_path / "m.pte", []
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.randrange(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            job.inspect(path, Format.EXECUTORCH)
        except EdgeExportError as error:
            refusals.append(str(error))
    assert refusals
    assert all(refusals)


def test_an_empty_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "m.pte").write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        job.inspect(tmp_path / "m.pte", Format.EXECUTORCH)
