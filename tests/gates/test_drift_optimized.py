"""Files that another tool has rewritten (ONNX Runtime's optimizer) are the same model; one fault in them is not."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits


def branching(path):
    """x (batch, 3, H, W): convolution, batch norm, relu, a branch on a size, a sum over the window, a matrix."""
    rng = np.random.default_rng(0)

    def held(name, *shape):
        return numpy_helper.from_array(np.abs(rng.normal(size=shape) * 0.5 + 0.6).astype(np.float32), name)

    weights = [held("k", 8, 3, 3, 3), *(held(name, 8) for name in ("s", "b", "m", "v")), held("w", 8, 4)]
    weights.append(numpy_helper.from_array(np.array(1, np.int64), "one"))
    branches = {
        name: helper.make_graph([helper.make_node(kind, ["r"], [f"{name}_out"])], name, [], [_open(f"{name}_out", 4)])
        for name, kind in (("then_branch", "Tanh"), ("else_branch", "Sigmoid"))
    }
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Size", ["r"], ["size"]),
        helper.make_node("Equal", ["size", "one"], ["single"]),
        helper.make_node("If", ["single"], ["branch"], **branches),
        helper.make_node("ReduceMean", ["branch"], ["p"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["p", "w"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, "height", "width"])], [_open("y", 2)]
    model = helper.make_model(helper.make_graph(nodes, "g", *ends, weights), ir_version=8)
    model.opset_import[0].version = 17
    onnx.save(model, path)
    return path


def _open(name, axes):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{name}_{axis}" for axis in range(axes)])


def optimized(path, target, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return target


LEVELS = onnxruntime.GraphOptimizationLevel


@pytest.mark.parametrize("level", [LEVELS.ORT_ENABLE_BASIC, LEVELS.ORT_ENABLE_EXTENDED, LEVELS.ORT_ENABLE_ALL])
def test_an_optimized_file_passes(tmp_path, level):
    right = branching(tmp_path / "right.onnx")
    found = drift(right, optimized(right, tmp_path / "fast.onnx", level), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("level", [LEVELS.ORT_ENABLE_BASIC, LEVELS.ORT_ENABLE_EXTENDED])
def test_one_weight_in_an_optimized_file_fails_it(tmp_path, level):
    right = branching(tmp_path / "right.onnx")
    model = onnx.load(optimized(right, tmp_path / "fast.onnx", level))
    kernel = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [8, 3, 3, 3])
    changed = numpy_helper.to_array(kernel).copy()
    changed[5, 1, 2, 0] *= 1.01
    kernel.CopyFrom(numpy_helper.from_array(changed, kernel.name))
    onnx.save(model, tmp_path / "wrong.onnx")
    found = drift(right, tmp_path / "wrong.onnx", "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert "Conv" in found.suspects[0].b.op_type


def test_a_value_that_passes_through_8_bits_makes_no_other_precision(tmp_path):
    """It was taken for a file that quantizes as it runs, and PASSED by the tolerances of 8 bits."""
    right = branching(tmp_path / "right.onnx")
    model = onnx.load(right)
    (relu,) = (node for node in model.graph.node if node.op_type == "Relu")
    place = list(model.graph.node).index(relu) + 1
    relu.output[0] = "whole"
    model.graph.node.insert(place, helper.make_node("DequantizeLinear", ["q", "q_scale", "q_zero"], ["r"]))
    model.graph.node.insert(place, helper.make_node("DynamicQuantizeLinear", ["whole"], ["q", "q_scale", "q_zero"]))
    onnx.save(model, tmp_path / "wrong.onnx")
    found = drift(right, tmp_path / "wrong.onnx", "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert "is put in" in found.suspects[0].cause


def changed_branch(folder, branch, kind):
    """The model of `branching` with another operator in one of its branches."""
    model = onnx.load(branching(folder / "right.onnx"))
    (node,) = (node for node in model.graph.node if node.op_type == "If")
    next(item for item in node.attribute if item.name == branch).g.node[0].op_type = kind
    onnx.save(model, folder / "wrong.onnx")
    return folder / "wrong.onnx"


def reading(path, order, first="n", second="a", negative="Neg"):
    """x (1, 6): a branch reads two tensors and a weight of the graph around it, in 16 bits there, in some order."""
    steps = [
        helper.make_node(negative, ["r"] if negative == "Neg" else ["r", "minus"], ["n"]),
        helper.make_node("Abs", ["t"], ["a"]),
        helper.make_node("Sub", [first, second], ["d"]),
        helper.make_node("Mul", ["d", "w"], ["then_out"]),
    ]
    then = helper.make_graph([steps[place] for place in order], "then", [], [_open("then_out", 2)])
    other = helper.make_graph([helper.make_node("Exp", ["r"], ["else_out"])], "else", [], [_open("else_out", 2)])
    nodes = [
        helper.make_node("Cast", ["w16"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Tanh", ["x"], ["t"]),
        helper.make_node("Size", ["x"], ["size"]),
        helper.make_node("Equal", ["size", "six"], ["small"]),
        helper.make_node("If", ["small"], ["y"], then_branch=then, else_branch=other),
    ]
    held = [numpy_helper.from_array(np.float16([[1, 2, 3, -1, 0.5, 7]]), "w16")]
    held += [numpy_helper.from_array(np.array(6, np.int64), "six"), numpy_helper.from_array(np.float32([-1]), "minus")]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])], [_open("y", 2)]
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", *ends, held), ir_version=8, opset_imports=opset), path)
    return path


def test_a_branch_that_reads_in_another_order_and_computes_the_same_passes(tmp_path):
    right = reading(tmp_path / "right.onnx", (0, 1, 2, 3))
    other = reading(tmp_path / "other.onnx", (1, 0, 2, 3), negative="Mul")
    found = drift(right, other, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def test_a_branch_that_exchanges_what_it_reads_fails(tmp_path):
    right, wrong = reading(tmp_path / "right.onnx", (0, 1, 2, 3)), reading(tmp_path / "o.onnx", (1, 0, 2, 3), "a", "n")
    found = drift(right, wrong, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "If")


@pytest.mark.parametrize("branch", ["then_branch", "else_branch"])
def test_another_operator_in_a_branch_fails_the_file(tmp_path, branch):
    wrong = changed_branch(tmp_path, branch, "Softsign")
    found = drift(tmp_path / "right.onnx", wrong, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type == "If"


def halved(folder, factor):
    """x (1, 4, 10, 12): two convolutions and a product with one number, held within limits; and it in float16."""
    rng = np.random.default_rng(0)
    held = {f"k{n}": (rng.normal(size=(4, 4, 3, 3)) / 4).astype(np.float32) for n in range(2)}
    held |= {"factor": np.float32(factor), "low": np.float32(-1.7), "high": np.float32(1.7)}
    nodes = [
        helper.make_node("Conv", ["x", "k0"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Elu", ["a"], ["e"]),
        helper.make_node("Mul", ["e", "factor"], ["m"]),
        helper.make_node("Conv", ["m", "k1"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["c", "low", "high"], ["y"]),
    ]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4, 10, 12))] for name in "xy"]
    stored = [numpy_helper.from_array(np.asarray(values), name) for name, values in held.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", *ends, stored), ir_version=8)
    model.opset_import[0].version = 17
    onnx.save(model, folder / "whole.onnx")
    onnx.save(convert_float_to_float16(model, keep_io_types=True), folder / "half.onnx")
    return folder / "whole.onnx", folder / "half.onnx"


def test_a_float16_file_computes_in_float32_once_it_is_optimized(tmp_path):
    """Its constants are cast as it runs: they were held to float32, and pieces that read them could not be run."""
    whole, half = halved(tmp_path, 1.0007)
    found = drift(whole, optimized(half, tmp_path / "fast.onnx", LEVELS.ORT_ENABLE_EXTENDED), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects, found.notes) == (Outcome.PASSED, (), ())


@pytest.mark.parametrize("beside", ["whole", "half"])
def test_a_number_that_is_half_a_percent_off_there_is_a_fault(tmp_path, beside):
    (tmp_path / "other").mkdir()
    halved(tmp_path, 1.0007)
    _, half = halved(tmp_path / "other", 1.0057)
    fast = optimized(half, tmp_path / "fast.onnx", LEVELS.ORT_ENABLE_EXTENDED)
    found = drift(tmp_path / f"{beside}.onnx", fast, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type == "Mul"


@pytest.mark.parametrize("level", [LEVELS.ORT_ENABLE_BASIC, LEVELS.ORT_ENABLE_EXTENDED])
def test_an_optimized_float16_file_is_the_file_that_it_was(tmp_path, level):
    """It computes in float32 between casts: each operator had another number type, and the file was FAILED."""
    _, half = halved(tmp_path, 1.0007)
    found = drift(half, optimized(half, tmp_path / "fast.onnx", level), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
