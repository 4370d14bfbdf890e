"""The leaves of trees are constants of a model like any other, though they stand in an attribute."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

TREES = 12
LEAVES = np.random.default_rng(0).normal(4, 1, 2 * TREES).astype(np.float32)


def forest(path, leaves, name="y"):
    """x (1, 3): trees of one question and two leaves each, summed."""
    ids, places = [tree for tree in range(TREES) for _ in range(3)], [0, 1, 2] * TREES
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        [name],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=ids,
        nodes_nodeids=places,
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * TREES,
        nodes_featureids=[0 if place else tree % 3 for tree, place in zip(ids, places, strict=True)],
        nodes_values=[0.0 if place else tree / TREES - 0.5 for tree, place in zip(ids, places, strict=True)],
        nodes_truenodeids=[1, 0, 0] * TREES,
        nodes_falsenodeids=[2, 0, 0] * TREES,
        target_treeids=[tree for tree in range(TREES) for _ in range(2)],
        target_nodeids=[1, 2] * TREES,
        target_ids=[0] * (2 * TREES),
        target_weights=leaves.tolist(),
    )
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (1, 3)), (name, (1, 1)))]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]), opset_imports=opsets), path)
    return path


@pytest.mark.parametrize("half", [False, True])
def test_leaves_that_went_through_16_bits_are_told(tmp_path, half):
    leaves = LEAVES.astype(np.float16).astype(np.float32) if half else LEAVES
    right, other = forest(tmp_path / "a.onnx", LEAVES), forest(tmp_path / "b.onnx", leaves, "sum")
    found = drift(right, other, "", InProcess(), config.load().limits)
    assert found.outcome is (Outcome.FAILED if half else Outcome.PASSED)
    if half:
        assert f"of {2 * TREES} values of target_weights differ: the first, 0," in found.suspects[0].cause
