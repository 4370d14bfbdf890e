"""What PyTorch's quantizers (PT2E) are given and make, put right: graphs that `torch.export` made, before and while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def multiplied_and_added(model: Any) -> Any:
    """The graph with constants multiplied and added only: quantizers leave division and subtraction in float."""
    import torch

    aten = torch.ops.aten
    replace(model, aten.div.Tensor, lambda model, node: _by_constant(model, node, aten.mul.Tensor, lambda c: 1 / c))
    replace(model, aten.sub.Tensor, lambda model, node: _by_constant(model, node, aten.add.Tensor, lambda c: -c))
    known = {aten.mul.Tensor: "mul", aten.add.Tensor: "add"}
    for node in model.graph.nodes:
        if node.target in known:  # LiteRT's quantizer asks which function the author called: `kind.name`
            node.meta["torch_fn"] = (node.name, f"rewritten.{known[node.target]}")
    return cleaned(model)


def replace(model: Any, target: Any, make: Callable[[Any, Any], Any]) -> None:
    """Puts what `make` gives in the place of every call of an operator; of None the call stays."""
    for node in list(model.graph.find_nodes(op="call_function", target=target)):
        with model.graph.inserting_before(node):
            made = make(model, node)
        if made is not None:
            made.meta.update(node.meta)
            node.replace_all_uses_with(made)
            model.graph.erase_node(node)


def cleaned(model: Any) -> Any:
    """The graph without what nobody reads."""
    model.graph.eliminate_dead_code()
    model.recompile()
    return model


def finer_factors(prepared: Any) -> None:
    """Gives constants that are multiplied all the steps of their grid; `prepared` holds the observers.

    PyTorch's quantizers take no step below 2^-12, which leaves a factor such as 1 / 255 one of 16 steps and an error of
    a few percent, and everything behind it. Other constants, and activations, keep that least step: XNNPACK adds no
    tensors whose steps lie far apart.
    """
    import torch

    for node in prepared.graph.nodes:
        source = node.args[0] if node.op == "call_module" and node.args else None
        if source is None or getattr(source, "op", "") != "get_attr" or not node.users:
            continue
        observer = prepared.get_submodule(node.target)
        factor = all(user.target is torch.ops.aten.mul.Tensor for user in node.users)
        if factor and hasattr(observer, "eps") and attribute(prepared, source.target).any():
            observer.eps.fill_(torch.finfo(torch.float32).tiny)


def attribute(model: Any, path: str) -> Any:
    """The tensor that a graph's `get_attr` reads."""
    for part in path.split("."):
        model = getattr(model, part)
    return model


def _by_constant(model: Any, node: Any, target: Any, change: Callable[[Any], Any]) -> Any:
    """The node with its second operand changed, where that is a number or a tensor of the model, not computed."""
    import torch

    value, constant = node.args
    if node.kwargs or not isinstance(value, torch.fx.Node) or not value.meta["val"].is_floating_point():
        return None
    if isinstance(constant, (int, float)):
        return model.graph.call_function(target, (value, change(float(constant))))
    if constant.op != "get_attr":
        return None
    name = f"_rewritten_{node.name}"
    held = attribute(model, constant.target)
    if not held.is_floating_point():
        return None
    model.register_buffer(name, change(held.detach()))
    changed = model.graph.get_attr(name)
    changed.meta["val"] = constant.meta["val"]
    return model.graph.call_function(target, (value, changed))
