from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_files
import outlier_nets
import pytest

from converters.errors import UnsupportedError
from converters.onnx.edit import with_constants
from converters.onnx.graph import read_graph


def test_one_constant_changes_and_nothing_else(tmp_path: Path) -> None:
    path = outlier_nets.onnx_file(tmp_path / "net.onnx").path
    before = read_graph(path)
    index = before.ops[0].inputs[2]
    onnx.save(with_constants(path, {index: np.float32([1, 2, 3, 4])}), tmp_path / "made.onnx")
    after = read_graph(tmp_path / "made.onnx")
    assert after.tensors[index].data.tolist() == [1, 2, 3, 4]
    for place, tensor in before.tensors.items():
        if tensor.constant and place != index:
            assert np.array_equal(tensor.data, after.tensors[place].data), tensor.name


def test_a_constant_node_is_refused(tmp_path: Path) -> None:
    path = onnx_files.saved(tmp_path / "small.onnx")
    two = next(index for index, tensor in read_graph(path).tensors.items() if tensor.name == "two")
    with pytest.raises(UnsupportedError, match="'two' is no initializer"):
        with_constants(path, {two: np.float32(3)})
