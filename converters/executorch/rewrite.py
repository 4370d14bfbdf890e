"""Other words for what a backend does not take as it is written; the numbers stay the same to the last bit or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_ATEN = torch.ops.aten


def rewrite(model: Any) -> Any:
    """The graph with what XNNPACK and its quantizer know by one name only under that name."""
    _replace(model, _ATEN.mean.dim, _mean)
    _replace(model, _ATEN.relu6.default, _clamp)
    _replace(model, _ATEN.relu6_.default, _clamp)
    return _done(model)


def rewrite_for_integers(model: Any) -> Any:
    """The graph with constants multiplied and added only: quantizers leave division and subtraction in float."""
    _replace(model, _ATEN.div.Tensor, lambda model, node: _by_constant(model, node, _ATEN.mul.Tensor, lambda c: 1 / c))
    _replace(model, _ATEN.sub.Tensor, lambda model, node: _by_constant(model, node, _ATEN.add.Tensor, lambda c: -c))
    return _done(model)


def _replace(model: Any, target: Any, make: Callable[[Any, Any], Any]) -> None:
    for node in list(model.graph.find_nodes(op="call_function", target=target)):
        with model.graph.inserting_before(node):
            made = make(model, node)
        if made is not None:
            made.meta.update(node.meta)
            node.replace_all_uses_with(made)
            model.graph.erase_node(node)


def _mean(model: Any, node: Any) -> Any:
    """A mean over both axes of pictures that keeps them, and then drops them."""
    pictures, axes, keep = [*node.args, False][:3]
    shape = pictures.meta["val"].shape
    if len(shape) != 4 or sorted(axis % 4 for axis in axes) != [2, 3] or node.kwargs or keep:
        return None
    kept = model.graph.call_function(_ATEN.mean.dim, (pictures, [-1, -2], True))
    kept.meta.update(node.meta)
    kept.meta["val"] = node.meta["val"].reshape(*shape[:2], 1, 1)
    return model.graph.call_function(_ATEN.view.default, (kept, list(shape[:2])))


def _clamp(model: Any, node: Any) -> Any:
    return model.graph.call_function(_ATEN.hardtanh.default, (node.args[0], 0.0, 6.0))


def _by_constant(model: Any, node: Any, target: Any, change: Callable[[Any], Any]) -> Any:
    """The node with its second operand changed, where that is a number or a tensor of the model, not computed."""
    value, constant = node.args
    if node.kwargs or not isinstance(value, torch.fx.Node) or not value.meta["val"].is_floating_point():
        return None
    if isinstance(constant, (int, float)):
        return model.graph.call_function(target, (value, change(float(constant))))
    if constant.op != "get_attr":
        return None
    name = f"_rewritten_{node.name}"
    held = _attribute(model, constant.target)
    if not held.is_floating_point():
        return None
    model.register_buffer(name, change(held.detach()))
    changed = model.graph.get_attr(name)
    changed.meta["val"] = constant.meta["val"]
    return model.graph.call_function(target, (value, changed))


def _attribute(model: Any, path: str) -> Any:
    for part in path.split("."):
        model = getattr(model, part)
    return model


def _done(model: Any) -> Any:
    model.graph.eliminate_dead_code()
    model.recompile()
    return model
