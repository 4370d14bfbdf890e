"""Other words for what a backend does not take as it is written; the numbers stay the same to the last bit or two."""

from __future__ import annotations

import math
from typing import Any

import torch

from converters.tuning.exported import cleaned, replace

_ATEN = torch.ops.aten


def rewrite(model: Any) -> Any:
    """The graph with what XNNPACK and its quantizer know by one name only under that name."""
    replace(model, _ATEN.mean.dim, _mean)
    replace(model, _ATEN.relu6.default, _clamp)
    replace(model, _ATEN.relu6_.default, _clamp)
    replace(model, _ATEN.gelu.default, _gelu)
    return cleaned(model)


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


def _gelu(model: Any, node: Any) -> Any:
    """The form of GELU with a tangent, written out: XNNPACK computes the one with the error function in its place."""
    if node.kwargs.get("approximate", "none") != "tanh":
        return None
    x = node.args[0]

    def made(target: Any, *given: Any) -> Any:
        call = model.graph.call_function(target, given)
        call.meta.update(node.meta)
        return call

    cube = made(_ATEN.mul.Tensor, made(_ATEN.mul.Tensor, x, x), x)
    inner = made(_ATEN.add.Tensor, x, made(_ATEN.mul.Tensor, cube, 0.044715))
    tangent = made(_ATEN.tanh.default, made(_ATEN.mul.Tensor, inner, math.sqrt(2 / math.pi)))
    half = made(_ATEN.mul.Tensor, x, 0.5)
    return made(_ATEN.mul.Tensor, half, made(_ATEN.add.Tensor, tangent, 1.0))


def _clamp(model: Any, node: Any) -> Any:
    return model.graph.call_function(_ATEN.hardtanh.default, (node.args[0], 0.0, 6.0))
