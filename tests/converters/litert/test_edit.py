from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets

from converters.litert.edit import with_constants
from converters.litert.graph import read_graph


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
