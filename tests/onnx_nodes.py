"""Models of one ONNX node, and what the pre-pass makes of them, held against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converters.onnx.prepass.fold import session_of
from converters.onnx.prepass.rules import Rule, rules_without
from converters.onnx.prepass.run import Prepared, prepare

Arrays = Mapping[str, np.ndarray]
RANDOM = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    """Normal numbers, float32."""
    return RANDOM.normal(size=shape).astype(np.float32)


def model_of(
    kind: str,
    x: np.ndarray,
    constants: Arrays | None = None,
    *,
    outputs: int = 1,
    opset: int = 17,
    order: tuple[str, ...] = (),
    **attributes: Any,
) -> onnx.ModelProto:
    """A node that reads `x` and then the constants, in the order of their names here or in `order`."""
    held = dict(constants or {})
    names = [f"y{place}" for place in range(outputs)]
    node = helper.make_node(kind, list(order) or ["x", *held], names, **attributes)
    sides = [helper.make_empty_tensor_value_info(name) for name in names]
    given = helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
    graph = helper.make_graph([node], "g", [given], sides, [numpy_helper.from_array(v, k) for k, v in held.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    made = onnx.shape_inference.infer_shapes(model)
    outcome = session_of(made).run(None, {"x": x})
    for value, array in zip(made.graph.output, outcome, strict=True):  # types that inference may not tell
        tensor = helper.make_tensor_value_info(value.name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        value.CopyFrom(tensor)
    return made


def replaced(
    tmp_path: Path,
    model: onnx.ModelProto,
    x: np.ndarray,
    rules: Mapping[str, Rule] | None = None,
    *,
    near: float = 1e-5,
) -> Prepared:
    """What the pre-pass makes of a model; the operator must be gone, nothing refused, and every value the same."""
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    made = prepare(path, rules if rules is not None else rules_without(frozenset()), [{"x": x}])
    assert not made.refused, made.refused
    kind = model.graph.node[0].op_type
    assert [text for text in made.replaced if text.endswith(kind)], made.replaced
    same_values(model, made.model, x, near)
    return made


def same_values(before: onnx.ModelProto, after: onnx.ModelProto, x: np.ndarray, near: float) -> None:
    """Asserts that two models give the same for `x` and for other values in its places."""
    for sample in (x, RANDOM.permutation(x.ravel()).reshape(x.shape)):
        want, got = (session_of(model).run(None, {"x": sample}) for model in (before, after))
        for a, b in zip(want, got, strict=True):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            spread = float(np.ptp(a)) if a.dtype.kind == "f" and a.size and np.isfinite(a).all() else 1.0
            np.testing.assert_allclose(b, a, rtol=near, atol=near * max(spread, 1e-3))


def kinds(made: Prepared) -> set[str]:
    """The operators that are left."""
    return {node.op_type for node in made.model.graph.node}
