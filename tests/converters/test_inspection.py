from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from converters.contract import Format, Signature, TensorSpec
from converters.graph import Graph, Op, Tensor
from converters.inspection import Inspection, OpInfo, TensorInfo, inspection_from_json, inspection_of

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


def test_a_graph_in_memory_is_told_as_a_file_is() -> None:
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors = {
        0: Tensor(0, "x", (-1, 2), "float32"),
        5: Tensor(5, "w", (2, 3), "float32", weights),
        9: Tensor(9, "y", None, "float32"),
    }
    signature = Signature((TensorSpec("x", (None, 2), "float32"),), (TensorSpec("y", (None, 3), "float32"),))
    graph = Graph(Format.PT2, tensors, (Op(0, "matmul", (0, 5, -1), (9,)),), (0,), (9,), ("x",), ("y",))
    found = inspection_of(graph, signature)
    assert found.ops == (OpInfo("matmul", (0, 1, -1), (2,)),)
    assert found.tensors[1].size_bytes == 24
    assert found.tensors[1].finite
    other = dataclasses.replace(graph, tensors={**tensors, 5: dataclasses.replace(tensors[5], data=weights * np.nan)})
    changed = inspection_of(other, signature)
    assert changed.graph_hash != found.graph_hash
    assert not changed.tensors[1].finite
