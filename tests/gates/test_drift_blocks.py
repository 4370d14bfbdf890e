"""Weights in blocks of 4 bits (ONNX Runtime's `MatMulNBits`) are the float file's, rounded; a fault in them is not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from gates.test_drift_optimized import LEVELS, optimized
from onnx import TensorProto, helper, numpy_helper

from converters.onnx.weight_only import with_small_weights
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits
SIZES = (96, 64, 10)


def plain(path, small=lambda model: model):
    """x (4, 96): a product with a bias, a tanh, and another product; `small` makes its weights small."""
    rng = np.random.default_rng(0)
    held = {f"w{n}": rng.normal(size=SIZES[n : n + 2]) / 8 for n in range(2)} | {"b": rng.normal(size=SIZES[1])}
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["a"]),
        helper.make_node("Tanh", ["a"], ["t"]),
        helper.make_node("MatMul", ["t", "w1"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(*end) for end in (("x", TensorProto.FLOAT, (4, 96)), ("y", 1, (4, 10)))]
    stored = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in held.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], stored), ir_version=10)
    model.opset_import[0].version = 21
    onnx.save(small(model), path)
    return path


def in_blocks(model, block=16):
    """The model with its products on blocks of 4 bits with zero points."""
    graph = model.graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "MatMul"]:
        weights = held[node.input[1]]
        values = numpy_helper.to_array(weights).T
        cut = values.reshape(len(values), -1, block)
        low, high = np.minimum(cut.min(2), 0), np.maximum(cut.max(2), 0)
        scales = (high - low) / np.float32(15)
        points = np.rint(-low / scales).astype(np.uint8)
        steps = np.clip(np.rint(cut / scales[..., None]) + points[..., None], 0, 15).astype(np.uint8)
        points = np.pad(points, ((0, 0), (0, points.shape[1] % 2)))
        made = (("q", steps[..., ::2] | steps[..., 1::2] << 4), ("s", scales.ravel()))
        made += (("z", (points[:, ::2] | points[:, 1::2] << 4).ravel()),)
        graph.initializer.remove(weights)
        graph.initializer.extend(numpy_helper.from_array(part, f"{node.input[1]}_{end}") for end, part in made)
        said = {"K": values.shape[1], "N": len(values), "bits": 4, "block_size": block}
        names = [node.input[0], *(f"{node.input[1]}_{end}" for end, _ in made)]
        node.CopyFrom(helper.make_node("MatMulNBits", names, node.output, domain="com.microsoft", **said))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def written(folder, kind):
    """(the float file, the one in 4 bits): by the runtime's optimizer, or in blocks as its quantizer writes them."""
    right = plain(folder / "right.onnx")
    if kind == "blocks":
        return right, plain(folder / "small.onnx", in_blocks)
    held = plain(folder / "held.onnx", lambda model: with_small_weights(model, 4, frozenset()))
    return right, optimized(held, folder / "small.onnx", LEVELS.ORT_ENABLE_EXTENDED)


@pytest.mark.parametrize("kind", ["optimized", "blocks"])
def test_packed_weights_are_the_float_ones_rounded(tmp_path, kind):
    """They were bytes that no kernel of the float file is like, and their products were FAILED."""
    right, small = written(tmp_path, kind)
    assert "MatMulNBits" in [node.op_type for node in onnx.load(small).graph.node]
    found = drift(right, small, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    assert found.coverage["weights_compared"] == 1.0


@pytest.mark.parametrize("kind", ["optimized", "blocks"])
def test_two_columns_exchanged_in_packed_weights_fail_the_file(tmp_path, kind):
    right, small = written(tmp_path, kind)
    model = onnx.load(small)
    (node, *_) = (node for node in model.graph.node if node.op_type == "MatMulNBits")
    packed = next(tensor for tensor in model.graph.initializer if tensor.name == node.input[1])
    values = numpy_helper.to_array(packed).copy()
    values[[2, 3]] = values[[3, 2]]
    packed.CopyFrom(numpy_helper.from_array(values, packed.name))
    onnx.save(model, small)
    found = drift(right, small, "", InProcess(), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert "MatMulNBits" in found.suspects[0].b.op_type
