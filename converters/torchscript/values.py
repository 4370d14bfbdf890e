"""A TorchScript graph node by node: constants found, the rest computed in Python by PyTorch's operators.

Operators on lists and mappings of anything are Python's own: TorchScript's cannot be called with them from Python.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch

from converters.errors import UnsupportedError

Known = dict[int, Any]
"""Values (tensors, numbers, lists of them) by the unique number of the TorchScript value."""
_BUILDERS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "prim::ListConstruct": list,
    "prim::TupleConstruct": tuple,
    "prim::DictConstruct": lambda parts: dict(zip(parts[::2], parts[1::2], strict=True)),
    "prim::NumToTensor": lambda parts: torch.tensor(parts[0]),
    "prim::unchecked_cast": lambda parts: parts[0],
    "prim::Uninitialized": lambda parts: None,
    "prim::TupleIndex": lambda parts: parts[0][parts[1]],
    "prim::dtype": lambda parts: parts[0].dtype,
    "prim::device": lambda parts: parts[0].device,
    "aten::__getitem__": lambda parts: parts[0][parts[1]],
    "aten::_set_item": lambda parts: operator.setitem(*parts) or parts[0],
    "aten::append": lambda parts: parts[0].append(parts[1]) or parts[0],
    "aten::len": lambda parts: len(parts[0]),
    "aten::__is__": lambda parts: parts[0] is parts[1],
    "aten::__isnot__": lambda parts: parts[0] is not parts[1],
    "prim::is_cuda": lambda parts: parts[0].is_cuda,
}
STRUCTURE = frozenset(("prim::ListConstruct", "prim::TupleConstruct", "prim::DictConstruct"))
UNPACKS = frozenset(("prim::ListUnpack", "prim::TupleUnpack"))
BODIES = frozenset(("prim::If", "prim::Loop"))
LARGEST_FOLD = 1 << 24
"""Elements of a constant that is computed once and kept."""
_CHANCE = ("rand", "dropout", "bernoulli", "multinomial", "normal_", "uniform_")
_BY_SHAPE = frozenset(("aten::size", "aten::dim", "aten::len", "aten::numel", "prim::dtype", "prim::device"))
"""What tells of a tensor's shape and type alone: constant where inputs have fixed shapes."""


def compute(nodes: Iterable[Any], known: Known) -> None:
    """Adds what nodes give out to what is known; those whose results all are known do not run."""
    for node in nodes:
        outputs = list(node.outputs())
        if outputs and all(output.unique() in known for output in outputs):
            continue
        results = call(node, known)
        for output, result in zip(outputs, results, strict=True):
            known.setdefault(output.unique(), result)


def call(node: Any, known: Known) -> list[Any]:
    """What one node gives out.

    Raises:
        UnsupportedError: it is no operator that can be called alone.
    """
    kind = node.kind()
    if kind == "prim::Constant":
        output = node.output()
        return [output.toIValue() if node.attributeNames() else None]
    given = [known[value.unique()] for value in node.inputs()]
    if kind == "prim::GetAttr":
        return [getattr(given[0], node.s("name"))]
    if kind in _BUILDERS:
        return [_BUILDERS[kind](given)][: node.outputsSize()]
    if kind in UNPACKS:
        return list(given[0])
    if kind == "prim::If":
        return _body(list(node.blocks())[0 if given[0] else 1], [], known)
    if kind == "prim::Loop":
        return _loop(next(iter(node.blocks())), given, known)
    if kind == "prim::RaiseException":
        raise UnsupportedError(f"the model raises: {given[0]}")
    if kind == "aten::format":  # of any number of arguments, which its schema does not say
        return [given[0].format(*given[1:])]
    function, _ = torch._C._jit_get_operation(kind)
    if function is None:
        raise UnsupportedError(f"{kind} is no operator that can be called alone")
    named = _by_name_only(node.schema())
    places = [value for slot, value in enumerate(given) if slot not in named]
    result = function(*places, **{name: given[slot] for slot, name in named.items()})
    count = node.outputsSize()
    return list(result) if count > 1 else [result][:count]


@cache
def _by_name_only(schema: str) -> dict[int, str]:
    """The arguments that an operator takes by name only, by their place."""
    arguments = torch._C.parse_schema(schema).arguments if "(" in schema else []
    return {place: argument.name for place, argument in enumerate(arguments) if argument.kwarg_only}


def _body(block: Any, given: Sequence[Any], known: Known) -> list[Any]:
    """What a block gives out; what it makes is forgotten."""
    inner = dict(known)
    for value, result in zip(block.inputs(), given, strict=True):
        inner[value.unique()] = result
    for node in block.nodes():
        for output in node.outputs():
            inner.pop(output.unique(), None)  # made again in every round of a loop
    compute(block.nodes(), inner)
    return [inner[value.unique()] for value in block.outputs()]


def _loop(block: Any, given: Sequence[Any], known: Known) -> list[Any]:
    rounds, goes_on, *carried = given
    count = 0
    while goes_on and count < rounds:
        goes_on, *carried = _body(block, [count, *carried], known)
        count += 1
    return carried


def constants(graph: Any, module: Any, shown: Known | None) -> Known:
    """Values that are the same for all inputs: those in the file and what comes of them.

    `shown` are the values of one call with inputs of the fixed shapes, from which follows what tells of shapes.
    """
    inputs = list(graph.inputs())
    known: Known = {inputs[0].unique(): module}
    for node in graph.nodes():
        outputs = list(node.outputs())
        if not outputs:
            continue
        if shown and node.kind() in _BY_SHAPE:
            known |= {output.unique(): shown[output.unique()] for output in outputs}
        elif _follows(node, known):
            try:
                results = call(node, known)
            except (RuntimeError, TypeError, UnsupportedError):  # said where its result is needed
                continue
            if sum(part.numel() for part in tensors(results)) <= LARGEST_FOLD:
                known |= {output.unique(): result for output, result in zip(outputs, results, strict=True)}
    return known


def _follows(node: Any, known: Known) -> bool:
    kind = node.kind()
    chance = kind in BODIES or any(part in kind for part in _CHANCE)
    return not chance and all(value.unique() in known for value in node.inputs())


def tensors(value: Any) -> list[torch.Tensor]:
    """The tensors in nested lists, tuples and mappings, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [tensor for part in parts for tensor in tensors(part)]
