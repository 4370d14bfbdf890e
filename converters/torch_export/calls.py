"""A call of an operator as its schema tells it: tensors in their places, everything else by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import fx

from converters.digest import digest

_SILENT = frozenset(
    ("device", "layout", "pin_memory", "memory_format", "generator", "non_blocking", "cudnn_enable", "cudnn_enabled")
)
"""Arguments that say where values lie or who computes them, not what they are."""


def told(node: fx.Node) -> tuple[list[Any], dict[str, Any]]:
    """(what stands in the places of tensors, the other arguments by their names in the schema, defaults filled in).

    In the place of a tensor stands a node, a plain number, or None where it is left out. An operator without a schema,
    as `cond`, has its nodes as tensors, and hashes of its bodies as attributes.
    """
    if not isinstance(node.target, torch._ops.OpOverload):
        bodies = [read for read in node.all_input_nodes if read.op == "get_attr"]
        return [read for read in node.all_input_nodes if read not in bodies], dict(map(_hashed, bodies))
    tensors: list[Any] = []
    attributes: dict[str, Any] = {}
    for place, argument in enumerate(node.target._schema.arguments):
        value = node.args[place] if place < len(node.args) else node.kwargs.get(argument.name, argument.default_value)
        if "Tensor" in str(argument.type):
            tensors += value if isinstance(value, list | tuple) else [value]
        elif any(isinstance(part, fx.Node) for part in _parts(value)):
            tensors += [part for part in _parts(value) if isinstance(part, fx.Node)]
        elif argument.name not in _SILENT:
            attributes[argument.name] = plain(value)
    while tensors and tensors[-1] is None:
        tensors.pop()
    return tensors, attributes


def plain(value: Any) -> Any:
    """A number, a text, None, or tuples of them; a type by its name."""
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, Mapping):
        return tuple((str(key), plain(part)) for key, part in value.items())
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return str(value).removeprefix("torch.")


def kind(target: Any) -> str:
    """An operator's name without its overload: `aten.conv2d`."""
    if isinstance(target, torch._ops.OpOverload):
        return f"{target.namespace}.{target._schema.name.partition('::')[2]}"
    return getattr(target, "__name__", str(target))


def _hashed(body: fx.Node) -> tuple[str, str]:
    """A body's name and a hash of its code."""
    owner = body.graph.owning_module
    code = getattr(owner.get_submodule(str(body.target)), "code", "") if owner is not None else ""
    return str(body.target), digest(code).hex()


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        yield from value
    else:
        yield value
