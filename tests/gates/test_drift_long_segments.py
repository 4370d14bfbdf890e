"""Faults inside what one operator of the reference does and many of an 8-bit file: each beside its honest twin."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

RNG = np.random.default_rng(11)
LIMITS = config.load().limits
ROWS, WIDTH, CLASSES = 6, 24, 10
TABLE = RNG.normal(size=(WIDTH, WIDTH)).astype(np.float32) / 4
HEAD = RNG.normal(size=(WIDTH, CLASSES)).astype(np.float32) / 3
GAMMA, BETA = RNG.uniform(0.5, 1.5, WIDTH).astype(np.float32), RNG.normal(size=WIDTH).astype(np.float32) / 2
BIAS = RNG.normal(size=CLASSES).astype(np.float32)
EPSILON = np.float32(1e-3)


def saved(path, nodes, **held):
    """x (1, ROWS, WIDTH) -> y (1, ROWS, CLASSES)."""
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, ROWS, width))
        for name, width in (("x", WIDTH), ("y", CLASSES))
    )
    tensors = [numpy_helper.from_array(np.asarray(values, np.float32), name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def fused(path):
    """A matrix, a layer norm with factors and offsets, a matrix with a bias, a softmax."""
    nodes = [
        helper.make_node("MatMul", ["x", "table"], ["h"]),
        helper.make_node("LayerNormalization", ["h", "gamma", "beta"], ["n"], epsilon=float(EPSILON)),
        helper.make_node("MatMul", ["n", "head"], ["m"]),
        helper.make_node("Add", ["m", "bias"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"]),
    ]
    return saved(path, nodes, table=TABLE, gamma=GAMMA, beta=BETA, head=HEAD, bias=BIAS)


def parted(path, bias=BIAS, *, crossed=False):
    """The same in single operators, factors and offsets of the norm folded into the matrix behind it."""
    terms = ["zero", "offset"]
    nodes = [
        helper.make_node("MatMul", ["x", "table"], ["h"]),
        helper.make_node("ReduceMean", ["h"], ["mean"], axes=[2]),
        helper.make_node("Sub", ["h", "mean"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["variance"], axes=[2]),
        helper.make_node("Add", ["variance", "epsilon"], ["moved"]),
        helper.make_node("Sqrt", ["moved"], ["root"]),
        helper.make_node("Div", ["h", "root"], ["scaled"]),
        helper.make_node("Div", ["mean", "root"], ["offset"]),
        helper.make_node("Sub", terms[::-1] if crossed else terms, ["back"]),
        helper.make_node("Add", ["scaled", "back"], ["n"]),
        helper.make_node("MatMul", ["n", "head"], ["m"]),
        helper.make_node("Add", ["m", "bias"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"]),
    ]
    held = {"head": HEAD * GAMMA[:, None], "bias": bias + BETA @ HEAD}
    return saved(path, nodes, table=TABLE, epsilon=[EPSILON], zero=[0.0], **held)


class Samples(CalibrationDataReader):
    """What the quantizer sees."""

    def __init__(self):
        self.rows = iter([{"x": RNG.normal(size=(1, ROWS, WIDTH)).astype(np.float32)} for _ in range(40)])

    def get_next(self):
        """The next sample, or None."""
        return next(self.rows, None)


def small(path, **changes):
    """`parted` in 8 bits."""
    whole = parted(path.with_suffix(".float.onnx"), **changes)
    types = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
    quantize_static(whole, path, Samples(), quant_format=QuantFormat.QDQ, **types)
    return path


def test_an_honest_file_passes(tmp_path):
    found = drift(fused(tmp_path / "right.onnx"), small(tmp_path / "same.onnx"), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def test_one_bias_lost_behind_a_norm_that_was_folded_fails_in_its_layer(tmp_path):
    largest = int(np.abs(BIAS).argmax())
    wrong = small(tmp_path / "wrong.onnx", bias=np.where(np.arange(CLASSES) == largest, 0, BIAS))
    found = drift(fused(tmp_path / "right.onnx"), wrong, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert found.suspects[0].b.op_type in ("MatMul", "Add")


def test_inputs_exchanged_inside_a_norm_fail(tmp_path):
    wrong = small(tmp_path / "wrong.onnx", crossed=True)
    found = drift(fused(tmp_path / "right.onnx"), wrong, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED


def choosing(path, turned, slope=1.0):
    """In 16 bits: a matrix, turned there and back on demand, and a choice that turns on the last bit of a value."""
    taken = "there" if turned else "h"
    nodes = [
        helper.make_node("Cast", ["x"], ["given"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["given", "table"], ["h"]),
        helper.make_node("Transpose", ["h"], ["back"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["back"], ["there"], perm=[0, 2, 1]),
        helper.make_node("Softmax", [taken], ["soft"]),
        helper.make_node("MatMul", ["soft", "head"], ["m"]),
        helper.make_node("Greater", ["m", "limit"], ["more"]),
        helper.make_node("Mul", ["m", "slope"], ["less"]),
        helper.make_node("Where", ["more", "m", "less"], ["chosen"]),
        helper.make_node("Cast", ["chosen"], ["y"], to=TensorProto.FLOAT),
    ]
    nodes = nodes if turned else [node for node in nodes if node.op_type != "Transpose"]
    saved(path, nodes, table=TABLE, head=HEAD, limit=0.02, slope=slope)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    onnx.save(model, path)
    return path


def test_turned_and_back_before_a_choice_passes_in_16_bits(tmp_path):
    right = choosing(tmp_path / "right.onnx", turned=False, slope=-3.0)
    found = drift(right, choosing(tmp_path / "same.onnx", turned=True, slope=-3.0), "", InProcess(), LIMITS)
    assert found.outcome is Outcome.PASSED
    found = drift(right, choosing(tmp_path / "wrong.onnx", turned=True, slope=-3.1), "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects[0].b.op_type) == (Outcome.FAILED, "Mul")


@pytest.mark.parametrize(("layers", "outcome"), [((), "PASSED"), ((1,), "FAILED"), ((0, 1, 2), "PASSED")])
def test_the_last_bit_of_one_constant_in_16_bits_tells_where_all_others_are_the_same(tmp_path, layers, outcome):
    """A file made anew may round a few values otherwise, of many constants."""
    weights = [RNG.normal(size=(WIDTH, WIDTH)).astype(np.float16) for _ in range(5)]

    def stacked(path, moved):
        values = [w.copy() for w in weights]
        for number in moved:
            values[number][3, 4] = np.nextafter(values[number][3, 4], np.float16(9))
        nodes = [helper.make_node("Cast", ["x"], ["h0"], to=TensorProto.FLOAT16)]
        nodes += [helper.make_node("MatMul", [f"h{n}", f"w{n}"], [f"h{n + 1}"]) for n in range(5)]
        nodes += [helper.make_node("Cast", ["h5"], ["y"], to=TensorProto.FLOAT)]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, ROWS, WIDTH)) for name in "xy"]
        held = [numpy_helper.from_array(v, f"w{n}") for n, v in enumerate(values)]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        return path

    found = drift(stacked(tmp_path / "a.onnx", ()), stacked(tmp_path / "b.onnx", layers), "", InProcess(), LIMITS)
    assert found.outcome.name == outcome
    assert [suspect.b.op_index for suspect in found.suspects] == ([2] if outcome == "FAILED" else [])


@pytest.mark.parametrize(("factor", "outcome"), [(None, "PASSED"), (0.999, "FAILED")])
def test_a_factor_behind_weights_of_8_bits_fails(tmp_path, factor, outcome):
    """The reference is given the rounded weights: nothing is left to round."""
    right = saved(
        tmp_path / "right.onnx",
        [helper.make_node("MatMul", ["x", "head"], ["h"]), helper.make_node("Tanh", ["h"], ["y"])],
        head=HEAD,
    )
    step = np.float32(np.abs(HEAD).max() / 127)
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "step", "zero"], ["k"]),
        helper.make_node("MatMul", ["x", "k"], ["h"]),
        helper.make_node("Mul", ["h", "factor"], ["f"]),
        helper.make_node("Tanh", ["f" if factor else "h"], ["y"]),
    ]
    wrong = saved(
        tmp_path / "wrong.onnx",
        nodes if factor else [*nodes[:2], nodes[3]],
        **({"factor": factor} if factor else {}),
        step=step,
    )
    model = onnx.load(wrong)
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.rint(HEAD / step).astype(np.int8), "q"),
            numpy_helper.from_array(np.int8(0), "zero"),
        ]
    )
    onnx.save(model, wrong)
    found = drift(right, wrong, "", InProcess(), LIMITS)
    assert found.outcome.name == outcome
    assert [suspect.b.op_type for suspect in found.suspects] == (["Mul"] if factor else [])
