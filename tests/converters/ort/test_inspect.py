from __future__ import annotations

from collections.abc import Callable

import pytest

from converters.contract import Artifact, Format, Precision
from converters.ort.inspect import inspect

pytestmark = pytest.mark.torch


def test_tensors_operators_and_signature(ort_file: Callable[..., Artifact]) -> None:
    found = inspect(ort_file("torch_conv").path)
    assert found.format is Format.ORT
    assert [(spec.name, spec.shape, spec.dtype) for spec in found.signature.inputs] == [
        ("image", (1, 3, 12, 20), "float32")
    ]
    assert [spec.name for spec in found.signature.outputs] == ["logits"]
    assert {t.dtype for t in found.tensors if t.constant and len(t.shape) > 1} == {"float32"}
    assert any("Conv" in op.type for op in found.ops)
    assert found.metadata["producer"].startswith("onnxruntime ")


def test_int8_weights_count_their_scales(ort_file: Callable[..., Artifact]) -> None:
    found = inspect(ort_file("torch_conv", Precision.INT8).path)
    weights = [found.tensors[op.inputs[3]] for op in found.ops if op.type.endswith("QLinearConv")]
    assert weights
    assert all(weight.dtype == "int8" and weight.scales == 8 for weight in weights)


def test_the_hash_is_of_what_is_computed(ort_file: Callable[..., Artifact]) -> None:
    one, other = (inspect(ort_file(name).path).graph_hash for name in ("torch_conv", "torch_two_in_two_out"))
    assert one == inspect(ort_file("torch_conv").path).graph_hash != other
