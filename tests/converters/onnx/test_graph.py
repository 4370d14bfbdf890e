from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx_files import WEIGHT, saved

from converters.onnx.graph import read_graph


def test_operators_constants_and_defaults_are_read(tmp_path):
    graph = read_graph(saved(tmp_path / "m.onnx"))
    assert [(op.index, op.type) for op in graph.ops] == [(1, "MatMul"), (2, "LeakyRelu"), (3, "Sub")]
    np.testing.assert_array_equal(graph.tensors[graph.ops[0].inputs[1]].data, WEIGHT)
    np.testing.assert_allclose(graph.ops[1].attributes["alpha"], 0.01)
    assert (graph.input_names, graph.output_names) == (("x",), ("y",))
    assert graph.tensors[graph.ops[2].inputs[1]].data == 2, "a Constant node is a constant"


def test_axes_are_attributes_in_every_opset(tmp_path):
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", (1, 4)), ("y", (1, 1)))
    )
    axes = onnx.numpy_helper.from_array(np.array([1]), "axes")
    old = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1])
    new = helper.make_node("ReduceMean", ["x", "axes"], ["y"])
    read = []
    for node, constants, opset in ((old, [], 17), (new, [axes], 18)):
        graph = helper.make_graph([node], "g", [x], [y], constants)
        path = tmp_path / f"{opset}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)
        read.append(read_graph(path).ops[0])
    assert read[0].attributes["axes"] == read[1].attributes["axes"] == (1,)
    assert len(read[0].inputs) == len(read[1].inputs) == 1


def test_a_body_is_a_hash_and_what_it_reads_from_outside_is_read(tmp_path):
    value = [helper.make_tensor_value_info("t", TensorProto.FLOAT, (1, 4))]

    def branch(kind):
        return helper.make_graph([helper.make_node(kind, ["x"], ["t"])], "body", [], value)

    for name, kind in (("one", "Relu"), ("same", "Relu"), ("other", "Neg")):
        node = helper.make_node("If", ["c"], ["y"], then_branch=branch(kind), else_branch=branch("Exp"))
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, 4)) for n in "xy"]
        flag = helper.make_tensor_value_info("c", TensorProto.BOOL, ())
        graph = helper.make_graph([node], "g", [ends[0], flag], [ends[1]])
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10),
            tmp_path / f"{name}.onnx",
        )
    one, same, other = (read_graph(tmp_path / f"{name}.onnx") for name in ("one", "same", "other"))
    assert one.ops[0].attributes == same.ops[0].attributes != other.ops[0].attributes
    assert set(one.inputs) == set(one.ops[0].inputs)


def test_a_limit_behind_a_cast_is_a_limit(tmp_path):
    """Exporters that fold no constants write them so: the clip was another one, and honest files FAILED."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy"]
    held = [onnx.numpy_helper.from_array(np.float64(limit), name) for name, limit in (("lo", -1), ("hi", 2))]
    weights = onnx.numpy_helper.from_array(np.ones(4, np.float16), "w")
    nodes = [
        *(helper.make_node("Cast", [name], [f"{name}_f"], to=TensorProto.FLOAT) for name in ("lo", "hi", "w")),
        helper.make_node("Clip", ["x", "lo_f", "hi_f"], ["c"]),
        helper.make_node("Mul", ["c", "w_f"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", value[:1], value[1:], [*held, weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    found = read_graph(tmp_path / "m.onnx")
    clip, product = found.ops[3], found.ops[4]
    assert (clip.attributes["min"], clip.attributes["max"]) == ((-1.0,), (2.0,))
    assert found.tensors[product.inputs[1]].data is None, "weights say in what they are stored"
