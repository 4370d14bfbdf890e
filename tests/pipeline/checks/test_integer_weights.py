"""tests/gates/test_precision_gate.py shows the gate that these feed failing."""

from __future__ import annotations

import pytest
from gates import files

from pipeline.checks.integer_weights import per_tensor_convolutions, read_as_integers


def test_integers_that_an_operator_computes_with_are_told_from_those_that_are_expanded() -> None:
    assert read_as_integers(files.tflite_weights("int8").inspection()) == []
    assert read_as_integers(files.tflite_dynamic().inspection()) == ["t1", "t4"]


@pytest.mark.parametrize("kind", ["EMBEDDING_LOOKUP", "com.microsoft.MatMulNBits", "Gather", "Reshape"])
def test_what_takes_a_table_apart_expands_it(kind: str) -> None:
    file = files.File()
    file.op(kind, [file.add("float32", 1, 8), file.weight("int8", 100, 8, scales=100)], "float32", 1, 8)
    assert read_as_integers(file.inspection()) == []


def test_convolutions_with_one_scale_for_all_channels_are_named() -> None:
    assert per_tensor_convolutions(files.tflite_int8(scales=1).inspection()) == ["t2"]
    assert per_tensor_convolutions(files.tflite_int8().inspection()) == []
