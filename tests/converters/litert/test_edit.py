from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets

from converters.litert.edit import with_constants, with_flat_biases
from converters.litert.flatbuffer import tables
from converters.litert.graph import read_graph
from converters.litert.pack import packed


def test_one_constant_changes_and_nothing_else(tmp_path: Path) -> None:
    path = outlier_nets.tflite(tmp_path / "net.tflite").path
    before = read_graph(path)
    index = before.ops[0].inputs[2]
    made = tmp_path / "made.tflite"
    made.write_bytes(with_constants(path, {index: np.float32([1, 2, 3, 4])}))
    after = read_graph(made)
    assert after.tensors[index].data.tolist() == [1, 2, 3, 4]
    assert [op.attributes for op in after.ops] == [op.attributes for op in before.ops]
    for place, tensor in before.tensors.items():
        if tensor.constant and place != index:
            assert np.array_equal(tensor.data, after.tensors[place].data), tensor.name
    assert made.stat().st_size < path.stat().st_size + 512, "old values are not carried along"


def test_biases_of_many_axes_become_flat_and_others_stay(tmp_path: Path) -> None:
    path = outlier_nets.tflite(tmp_path / "net.tflite").path
    assert with_flat_biases(path) is None
    index = read_graph(path).ops[0].inputs[2]
    model = tables().ModelT.InitFromPackedBuf(path.read_bytes())
    model.subgraphs[0].tensors[index].shape = np.int32([1, 1, 1, 4])
    (tmp_path / "deep.tflite").write_bytes(packed(model))
    made = with_flat_biases(tmp_path / "deep.tflite")
    assert made
    (tmp_path / "flat.tflite").write_bytes(made)
    before, after = read_graph(path), read_graph(tmp_path / "flat.tflite")
    assert after.tensors[index].shape == before.tensors[index].shape == (4,)
    assert np.array_equal(after.tensors[index].data, before.tensors[index].data)
