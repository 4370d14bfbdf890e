"""The keys of a recipe that quantizers understand, and which operators of a file they name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converters.errors import ConfigError
from converters.graph import Graph, Op
from converters.tuning import KEYS

RANGES = ("minmax", "percentile-99.99", "percentile-99.9", "mse")
"""How the range of an activation is chosen from its calibration values."""
FOLDED = frozenset(("BatchNormalization", "Relu", "Clip"))
"""Operators of ONNX that quantizers fold into the one before."""
_LISTED = 12


@dataclass(frozen=True)
class Tuning:
    """What a recipe says to a quantizer.

    `keep` are regular expressions, searched in the names of an operator's outputs and constants; `keep_ops` are places
    of operators in the float file. Both name operators that stay in float.
    """

    keep: tuple[str, ...] = ()
    keep_ops: tuple[int, ...] = ()
    ranges: str = RANGES[0]
    equalize: bool = False
    bias_correction: bool = False

    @property
    def keeps(self) -> bool:
        """Whether any operator is to stay in float."""
        return bool(self.keep or self.keep_ops)


def parse(options: Mapping[str, Any]) -> Tuning:
    """The options of a recipe, checked.

    Raises:
        ConfigError: an unknown key or value; the message lists what is known.
    """
    for key in options:
        if key not in KEYS:
            close = difflib.get_close_matches(key, KEYS, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ConfigError(f"recipe: unknown key {key!r}{hint}; known are {', '.join(KEYS)}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    tuning = Tuning(**given)
    if not isinstance(tuning.keep, tuple) or not all(isinstance(text, str) for text in tuning.keep):
        raise ConfigError(f"recipe: keep is a list of regular expressions, found {tuning.keep!r}")
    for text in tuning.keep:
        try:
            re.compile(text)
        except re.error as error:
            raise ConfigError(f"recipe: keep {text!r} is no regular expression: {error}") from None
    whole = isinstance(tuning.keep_ops, tuple) and all(type(place) is int and place >= 0 for place in tuning.keep_ops)
    if not whole:
        raise ConfigError(f"recipe: keep_ops is a list of operators' places from 0, found {tuning.keep_ops!r}")
    if tuning.ranges not in RANGES:
        raise ConfigError(f"recipe: there are no ranges {tuning.ranges!r}; there are {', '.join(RANGES)}")
    for key in ("equalize", "bias_correction"):
        if not isinstance(getattr(tuning, key), bool):
            raise ConfigError(f"recipe: {key} is true or false, found {getattr(tuning, key)!r}")
    return tuning


def kept_operators(graph: Graph, tuning: Tuning) -> tuple[Op, ...]:
    """The operators of a float file that stay in float, in its order.

    Raises:
        ConfigError: an expression or a place that names no operator.
    """
    places = {op.index for op in graph.ops}
    missing = [place for place in tuning.keep_ops if place not in places]
    if missing:
        raise ConfigError(f"keep_ops: there is no operator {missing[0]}; the file has {len(places)}, counted from 0")
    found = {op.index for op in graph.ops if op.index in tuning.keep_ops}
    for text in tuning.keep:
        fit = {op.index for op in graph.ops if any(re.search(text, name) for name in _names(graph, op))}
        if not fit:
            raise ConfigError(f"keep {text!r} matches no operator; their outputs are {_listed(graph)}")
        found |= fit
    return tuple(op for op in graph.ops if op.index in found)


def kept_names(graph: Graph, tuning: Tuning) -> tuple[str, ...]:
    """The names of what kept operators give out, and of what is folded into them.

    Of `Conv`, `BatchNormalization`, `Relu` a quantizer makes one operator that gives out what the last one did.
    """
    readers: dict[int, list[Op]] = {}
    for op in graph.ops:
        for index in op.inputs:
            readers.setdefault(index, []).append(op)
    found: dict[int, None] = {}
    waiting = list(kept_operators(graph, tuning))
    while waiting:
        op = waiting.pop(0)
        found |= dict.fromkeys(op.outputs)
        behind = readers.get(op.outputs[0], []) if len(op.outputs) == 1 else []
        if len(behind) == 1 and behind[0].type in FOLDED and not set(behind[0].outputs) & set(found):
            waiting.append(behind[0])
    return tuple(graph.tensors[index].name for index in found)


def _names(graph: Graph, op: Op) -> list[str]:
    constants = [index for index in op.inputs if index in graph.tensors and graph.tensors[index].constant]
    return [graph.tensors[index].name for index in (*op.outputs, *constants) if index in graph.tensors]


def _listed(graph: Graph) -> str:
    names = [graph.tensors[index].name for op in graph.ops for index in op.outputs]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
