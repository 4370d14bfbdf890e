from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import MODELS

from converters.contract import Artifact, Precision, Signature, TensorSpec
from converters.errors import ModelError
from converters.litert.signature import described, read_signature, signature_key

pytestmark = pytest.mark.tensorflow


def strip(model: Any) -> None:
    model.signatureDefs = []


def empty(model: Any) -> None:
    model.subgraphs = []


def test_names_shapes_and_types_come_from_the_signature(converted: Callable[..., Artifact]) -> None:
    path = converted("keras_two_in_two_out").path
    assert signature_key(path) == "serving_default"
    assert read_signature(path) == Signature(
        (TensorSpec("image", (1, 12, 20, 3), "float32"), TensorSpec("vector", (1, 7), "float32")),
        (TensorSpec("mask", (1, 6, 10, 2), "float32"), TensorSpec("scores", (1, 4), "float32")),
    )


def test_described_adds_order_layout_and_meaning(converted: Callable[..., Artifact]) -> None:
    tiny = MODELS["keras_two_in_two_out"]
    assert described(converted("keras_two_in_two_out").path, tiny.signature) == tiny.signature


def test_names_that_nobody_knows_come_last_and_bare(converted: Callable[..., Artifact]) -> None:
    known = MODELS["keras_two_in_two_out"].signature
    part = Signature(known.inputs[:1], known.outputs)
    inputs = described(converted("keras_two_in_two_out").path, part).inputs
    assert [(spec.name, spec.layout) for spec in inputs] == [("vector", "NC"), ("image", "")]


def test_quantization_is_part_of_it(converted: Callable[..., Artifact]) -> None:
    image = read_signature(converted("keras_conv", Precision.INT8_IO).path).inputs[0]
    assert (image.dtype, image.scale, image.zero_point) == ("int8", pytest.approx(1.0), -128)
    assert not read_signature(converted("keras_conv").path).inputs[0].quantized


def test_files_without_signatures_give_tensor_names(edited: Callable[..., Path]) -> None:
    path = edited(strip)
    assert signature_key(path) is None
    assert [spec.name for spec in read_signature(path).inputs] == ["serving_default_image:0"]


def test_a_file_without_a_graph_is_damaged(edited: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="is damaged: it holds no graph"):
        read_signature(edited(empty))
