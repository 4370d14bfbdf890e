from pathlib import Path

import pytest
import saved_models

from converters.torch_export.inspect import inspect

pytestmark = pytest.mark.torch


def test_a_program_tells_its_tensors_and_operators(tmp_path: Path) -> None:
    found = inspect(saved_models.pt2(tmp_path))
    assert {op.type for op in found.ops} >= {"aten.conv2d", "aten.linear"}
    constants = {tensor.shape: tensor for tensor in found.tensors if tensor.constant}
    assert constants[(5, 192)].dtype == "float32"
    assert constants[(5, 192)].size_bytes == 4 * 5 * 192
    assert all(index < len(found.tensors) for op in found.ops for index in (*op.inputs, *op.outputs))


def test_the_hash_is_of_what_is_computed(tmp_path: Path) -> None:
    first, again = (inspect(saved_models.pt2(tmp_path, name)).graph_hash for name in ("a.pt2", "b.pt2"))
    assert first == again
