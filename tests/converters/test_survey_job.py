from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.reach import MULTIPLICATIONS
from converters.survey_job import OP_WORK, survey

WEIGHT = np.float32([[1, -1, 0], [0, 1, 2]])


def clipped(path: Path) -> Artifact:
    """y = relu(x W) + 1."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, m)) for n, m in (("x", 2), ("y", 3))]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Add", ["r", "one"], ["y"]),
    ]
    held = [numpy_helper.from_array(WEIGHT, "w"), numpy_helper.from_array(np.float32([1]), "one")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    told = Signature((TensorSpec("x", (1, 2), "float32"),), (TensorSpec("y", (1, 3), "float32"),))
    return Artifact(path, Format.ONNX, Precision.FP32, told, told)


def test_every_channel_of_every_operator_is_told(tmp_path: Path) -> None:
    x = np.float32([[[1, 0]], [[-1, 1]], [[2, 3]]])
    np.savez(tmp_path / "s.npz", x=x)
    found = survey(clipped(tmp_path / "m.onnx"), tmp_path / "s.npz", "", {"x": (-3.0, 3.0)}, True)
    assert found.usable.tolist() == [True, True, True]
    by_name = {(value.name, value.op): place for place, value in enumerate(found.watched)}
    assert found.watched[by_name["h", "Relu"]].thresholds == (0.0,)
    starts = np.cumsum([0, *(value.channels for value in found.watched)])
    start = starts[by_name["h", "MatMul"]]
    np.testing.assert_array_equal(found.greatest[:, start : start + 3], (x @ WEIGHT)[:, 0])


def test_samples_whose_outputs_are_no_numbers_are_not_usable(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=np.float32([[[1, 0]], [[np.inf, 1]]]))
    found = survey(clipped(tmp_path / "m.onnx"), tmp_path / "s.npz", "", {"x": (-3.0, 3.0)}, True)
    assert found.usable.tolist() == [True, False]


def test_a_file_that_takes_none_of_them_says_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=np.ones((2, 1, 5), np.float32))
    with pytest.raises(UnsupportedError, match="does not run on these inputs"):
        survey(clipped(tmp_path / "m.onnx"), tmp_path / "s.npz", "", {"x": (-3.0, 3.0)}, True)


def test_the_work_of_a_file_is_what_it_multiplies_and_at_least_what_starting_its_operators_takes(
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "s.npz", x=np.ones((5, 1, 2), np.float32))
    small = survey(clipped(tmp_path / "m.onnx"), tmp_path / "s.npz", "", {"x": (-3.0, 3.0)}, False)
    assert small.work == 3 * OP_WORK
    wide = np.ones((2048, 4096), np.float32)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, m)) for n, m in (("x", 2048), ("y", 4096))]
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [numpy_helper.from_array(wide, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "w.onnx")
    told = Signature((TensorSpec("x", (1, 2048), "float32"),), (TensorSpec("y", (1, 4096), "float32"),))
    np.savez(tmp_path / "s.npz", x=np.ones((5, 1, 2048), np.float32))
    artifact = Artifact(tmp_path / "w.onnx", Format.ONNX, Precision.FP32, told, told)
    found = survey(artifact, tmp_path / "s.npz", "", {"x": (-3.0, 3.0)}, False)
    assert found.work == 4096 + wide.size // MULTIPLICATIONS


def test_a_file_that_computes_a_number_for_a_whole_sample_shows_that_too(tmp_path: Path) -> None:
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2)),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2)),
    ]
    nodes = [helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0), helper.make_node("Sub", ["x", "most"], ["y"])]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "m.onnx")
    told = Signature((TensorSpec("x", (1, 2), "float32"),), (TensorSpec("y", (1, 2), "float32"),))
    np.savez(tmp_path / "s.npz", x=np.float32([[[1, 0]], [[-1, 5]]]))
    artifact = Artifact(tmp_path / "m.onnx", Format.ONNX, Precision.FP32, told, told)
    found = survey(artifact, tmp_path / "s.npz", "", {"x": (-3.0, 5.0)}, False)
    (most,) = (place for place, value in enumerate(found.watched) if value.name == "most")
    start = int(np.cumsum([0, *(value.channels for value in found.watched)])[most])
    assert found.greatest[:, start].tolist() == [1, 5]
