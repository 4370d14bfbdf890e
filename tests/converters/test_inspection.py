from __future__ import annotations

import dataclasses
import json

import pytest

from converters.contract import Format, Signature, TensorSpec
from converters.inspection import Inspection, OpInfo, TensorInfo, inspection_from_json

INSPECTION = Inspection(
    format=Format.TFLITE,
    signature=Signature(
        (TensorSpec("image", (1, 12, 20, 3), "int8", "NHWC", 0.5, -128, "image"),),
        (TensorSpec("logits", (None, 5), "float32"),),
    ),
    tensors=(
        TensorInfo("kernel", (8, 3, 3, 3), "int8", True, 216, scales=8),
        TensorInfo("bias", (), "float32", True, 4, finite=False, grid_bits=16),
        TensorInfo("hidden", (1, 6, 10, 8), "int8", False, scales=1),
    ),
    ops=(OpInfo("CONV_2D", (2, 0, -1), (2,), version=5),),
    graph_hash="f" * 64,
    metadata={"min_runtime_version": "2.3.0"},
)


def test_an_inspection_comes_back_from_json_whole():
    assert inspection_from_json(json.loads(json.dumps(dataclasses.asdict(INSPECTION)))) == INSPECTION


def test_what_the_precision_gate_reads_is_not_lost_on_the_way():
    found = inspection_from_json(json.loads(json.dumps(dataclasses.asdict(INSPECTION))))
    assert found.tensors[0].scales == 8
    assert not found.tensors[1].finite
    assert found.tensors[1].grid_bits == 16
    assert found.ops[0].inputs == (2, 0, -1)
    assert isinstance(found.ops[0].inputs, tuple)
    assert found.format is Format.TFLITE
    assert found.signature.inputs[0].quantized


@pytest.mark.parametrize("key", ["format", "signature", "tensors", "ops", "graph_hash", "metadata"])
def test_a_record_with_a_part_missing_is_no_inspection(key):
    record = dataclasses.asdict(INSPECTION)
    del record[key]
    with pytest.raises(KeyError, match=key):
        inspection_from_json(record)


def test_a_tensor_is_finite_and_of_full_precision_unless_its_reader_says_otherwise():
    plain = TensorInfo("x", (1,), "float32", True)
    assert (plain.finite, plain.grid_bits, plain.scales) == (True, 32, 0)
