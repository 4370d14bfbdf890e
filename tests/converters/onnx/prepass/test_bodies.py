"""An operator's own definition in the place of its node."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx_nodes import kinds, model_of, normal, replaced

from converters.onnx.prepass.bodies import by_definition, has_body
from converters.onnx.prepass.build import Build

RULES = {"by": by_definition}


@pytest.mark.parametrize(
    ("kind", "constants", "form"),
    [
        ("HardSwish", {}, {}),
        ("MeanVarianceNormalization", {}, {"axes": [0, 2]}),
        ("Mish", {}, {"opset": 18}),
        ("GroupNormalization", {"s": normal(4), "b": normal(4)}, {"num_groups": 2, "opset": 21, "epsilon": 0.5}),
        ("Gelu", {}, {"opset": 20, "approximate": "tanh"}),
        ("CastLike", {"like": np.array([1], np.int32)}, {}),
    ],
)
def test_the_definition_computes_the_same(kind, constants, form, tmp_path):
    x = normal(2, 4, 3)
    made = replaced(tmp_path, model_of(kind, x, constants, **form), x, {kind: by_definition})
    assert kind not in kinds(made)


def test_a_definition_that_depends_on_types(tmp_path):
    x = normal(3, 5)
    labels = np.array([1, 4, 0])
    form = {"reduction": "sum", "ignore_index": 4, "outputs": 2}
    made = replaced(
        tmp_path, model_of("SoftmaxCrossEntropyLoss", x, {"t": labels}, **form), x,
        {"SoftmaxCrossEntropyLoss": by_definition, "NegativeLogLikelihoodLoss": by_definition},
    )  # fmt: skip
    assert "SoftmaxCrossEntropyLoss" not in kinds(made)


def test_what_has_no_definition_is_none():
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    assert by_definition(Build(model_of("Abs", normal(2))), node) is None
    assert not has_body(node, 17)
    assert has_body(helper.make_node("HardSwish", ["x"], ["y"]), 17)
