from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import ModelError
from converters.onnx.load import array, dtype_name, load, untaken_bytes

Linear = Callable[..., onnx.ModelProto]
Saved = Callable[[onnx.ModelProto], Path]


def external(model: onnx.ModelProto, location: str, length: int = 60) -> onnx.ModelProto:
    """The model with its weight said to lie in `location`."""
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        weight.external_data.append(onnx.StringStringEntryProto(key=key, value=value))
    return model


def test_load_infers_shapes(linear: Linear, saved: Saved) -> None:
    model = load(saved(linear()))
    assert {value.name for value in model.graph.value_info} == {"sum"}


def test_local_functions_are_inlined(linear: Linear, saved: Saved) -> None:
    model = linear(relu="Twice")
    model.graph.node[1].domain = "local"
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    opset = helper.make_opsetid("", 18)
    model.functions.append(helper.make_function("local", "Twice", ["a"], ["b"], body, [opset]))
    model.opset_import.append(helper.make_opsetid("local", 1))
    assert [node.op_type for node in load(saved(model)).graph.node] == ["Gemm", "Add"]


def test_nodes_before_what_they_read_are_put_in_order(linear: Linear, saved: Saved) -> None:
    model = linear()
    wanted = [node.op_type for node in model.graph.node]
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert [node.op_type for node in load(saved(model)).graph.node] == wanted


def test_weights_in_the_models_own_folder_are_read(linear: Linear, saved: Saved) -> None:
    path = saved(external(linear(), "weights.bin"))
    values = np.arange(15, dtype=np.float32)
    (path.parent / "weights.bin").write_bytes(values.tobytes())
    assert np.array_equal(array(load(path).graph.initializer[0], path.parent), values.reshape(3, 5))


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "a/../../weights.bin", ""])
def test_weights_outside_the_folder_are_refused(location: str, linear: Linear, saved: Saved) -> None:
    path = saved(external(linear(), location))
    (path.parent.parent / "weights.bin").write_bytes(bytes(60))
    with pytest.raises(ModelError, match=r"'weight' wants its values from .* outside the model's folder .* refused"):
        load(path)


def test_a_link_that_leads_outside_is_refused(linear: Linear, saved: Saved, tmp_path: Path) -> None:
    path = saved(external(linear(), "weights.bin"))
    (path.parent / "weights.bin").symlink_to("/etc/passwd")
    with pytest.raises(ModelError, match="outside the model's folder"):
        load(path)


def test_missing_and_short_weight_files_are_named(linear: Linear, saved: Saved) -> None:
    path = saved(external(linear(), "weights.bin"))
    with pytest.raises(ModelError, match=r"weights\.bin, which does not exist; copy it there too"):
        load(path)
    (path.parent / "weights.bin").write_bytes(bytes(20))
    with pytest.raises(ModelError, match=r"'weight' ends at byte 60 of .*weights\.bin, which has 20"):
        load(path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(100))
    with pytest.raises(ModelError, match="100 bytes of zeros"):
        load(path)


def test_a_tensor_that_nothing_makes_is_refused(linear: Linear, saved: Saved) -> None:
    model = linear()
    model.graph.node[1].input[0] = "nowhere"
    with pytest.raises(ModelError, match="no valid ONNX model.* 'nowhere' of node: .*is not output"):
        load(saved(model))


def test_an_unknown_operator_is_refused(linear: Linear, saved: Saved) -> None:
    with pytest.raises(ModelError, match=r"no valid ONNX model: .*NoSuchOp"):
        load(saved(linear(relu="NoSuchOp")))


def test_an_operator_of_a_later_opset_is_one_that_an_optimizer_wrote(linear: Linear, saved: Saved) -> None:
    model = linear(relu="Gelu")
    assert load(saved(model)).graph.node[-1].op_type == "Gelu"


def test_damage_inside_the_graph_is_found(linear: Linear, saved: Saved) -> None:
    path = saved(linear())
    data = bytearray(path.read_bytes())
    at = data.index(b"Gemm")
    data[at - 2 : at] = b"\xff\xff"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"no valid ONNX model|damaged|unknown"):
        load(path)


def test_values_that_do_not_fit_their_shape_are_refused(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(np.zeros((3, 5), np.float32), "weight")
    tensor.dims[0] = 4
    with pytest.raises(ModelError, match="'weight' cannot be read"):
        array(tensor, tmp_path)


def test_dtype_names_are_numpys() -> None:
    names = {TensorProto.FLOAT: "float32", TensorProto.INT8: "int8", TensorProto.BFLOAT16: "bfloat16"}
    names |= {TensorProto.BOOL: "bool", TensorProto.INT4: "int4", TensorProto.STRING: "str", TensorProto.INT64: "int64"}
    assert {kind: dtype_name(kind) for kind in names} == names
    with pytest.raises(ModelError, match="no tensor type 999"):
        dtype_name(999)


def test_a_file_beyond_a_protobuf_is_told_what_to_do(
    linear: Linear, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("converters.onnx.load.LARGEST", 100)
    with pytest.raises(ModelError, match="no more than 100 are read of one protobuf: .*save_as_external_data=True"):
        load(saved(linear()))


def test_of_branches_all_but_the_smallest_may_be_left_out(saved: Saved) -> None:
    result = helper.make_tensor_value_info("r", TensorProto.FLOAT, (1, 5))

    def branch(name: str, rows: int) -> onnx.GraphProto:
        weight = numpy_helper.from_array(np.ones((rows, 5), np.float32), "w")
        nodes = [helper.make_node("ReduceSum", ["w"], ["r"], keepdims=1)]
        return helper.make_graph(nodes, name, [], [result], [weight])

    held = [numpy_helper.from_array(np.array(True), "yes"), numpy_helper.from_array(np.ones(9, np.float32), "own")]
    node = helper.make_node("If", ["yes"], ["r"], then_branch=branch("a", 100), else_branch=branch("b", 40))
    graph = helper.make_graph([node], "g", [], [result], held)
    path = saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))
    assert untaken_bytes(path) == 100 * 5 * 4
