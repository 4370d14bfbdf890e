"""The numbers of aligned operators side by side, where values of 16 bits would hide them: epsilons and slopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.suspects import Side, Suspect

_EPSILONS = ("epsilon", "eps", "epsilon1")
_ROOTS = frozenset(
    ("SQRT", "RSQRT", "Sqrt", "Rsqrt", "sqrt", "rsqrt", "Pow", "pow", "aten.sqrt", "aten.rsqrt", "aten.pow")
)
_ADDS = frozenset(("ADD", "Add", "add", "AddV2", "aten.add", "MAXIMUM", "Max", "maximum"))
MOST_EPSILON = 1e-2
"""A larger number under a root is no epsilon."""
_SLOPES = {
    "LEAKY_RELU": "alpha", "LeakyRelu": "alpha", "leaky_relu": "alpha", "aten.leaky_relu": "negative_slope",
}  # fmt: skip
_HARD = {"HardSigmoid": 0.2, "sigmoid_hard": 0.2}
"""Operators that say the slope of a hard sigmoid, and what they say where they leave it out."""
_ELUS = dict.fromkeys(("ELU", "Elu", "elu", "aten.elu", "aten.elu_"), 1.0)
_SIXTHS = frozenset(
    ("HARD_SWISH", "HardSwish", "aten.hardswish", "aten.hardswish_", "aten.hardsigmoid", "aten.hardsigmoid_")
)
"""Operators whose hard sigmoid has a slope of 1/6."""
_GELUS = {"gelu": ("approximate", "mode"), "fastgelu": ()}
"""GELU by operators' names in lower case, and the attributes that may say by what it is approximated."""
HALF, SMALLEST = 2.0**-10, 2.0**-24
"""Of a number, and the least one: what storing it in 16 bits leaves."""


def changed(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[tuple[Segment | None, Suspect]]:
    """(segment, suspect) for epsilons and slopes of b that are not the reference's.

    Of segments that have as many; what is left of both models where that is as many, which says of no segment: a
    variance may be taken for the one with an epsilon.
    """
    numbers = {"epsilon": _epsilons, "slope": _slopes, "hard sigmoid's slope": _hard, "alpha": _elus}
    for name, found in {**numbers, "approximate": _gelus}.items():
        left = tuple({op.index: (op, value) for op, value in found(side, side.graph.ops)} for side in (a, b))
        for cut in cuts:
            here = _as_many(*(list(found(side, ops)) for side, ops in ((a, cut.ops_a), (b, cut.ops_b))))
            if len(here[0]) == len(here[1]):
                yield from ((cut, suspect) for suspect in _compared(a, b, name, *here))
                for rest, ops in zip(left, (cut.ops_a, cut.ops_b), strict=True):
                    for op in ops:
                        rest.pop(op.index, None)
        ours, theirs = _as_many(*(list(rest.values()) for rest in left))
        if len(ours) == len(theirs):
            yield from ((None, suspect) for suspect in _compared(a, b, name, ours, theirs))


Found = Sequence[tuple[Op, float]]


def _as_many(ours: Found, theirs: Found) -> tuple[Found, Found]:
    """Without batch norms where one side has more: one is folded, or scales what another norm gives."""
    if len(ours) == len(theirs):
        return ours, theirs
    kept = [[(op, value) for op, value in side if "batch" not in op.type.lower()] for side in (ours, theirs)]
    return kept[0], kept[1]


def _compared(a: Known, b: Known, name: str, ours: Found, theirs: Found) -> Iterator[Suspect]:
    """Numbers in the order of computation; none where they only stand in another order."""
    values = [sorted(value for _, value in side) for side in (ours, theirs)]
    if all(map(_same, *values)):
        return
    for (one, want), (two, got) in zip(ours, theirs, strict=True):
        if not _same(want, got):
            sides = side_of(a, one, name, want), side_of(b, two, name, got)
            order = float(a.rank.get(one.outputs[0], 0))
            yield Suspect("attribute", *sides, "another number", f"{name} is {got:.6g}, not {want:.6g}", order)


def _same(want: float, got: float) -> bool:
    return abs(got - want) <= HALF * abs(want) + SMALLEST


def side_of(side: Known, op: Op, name: str, value: float) -> Side:
    """An operator with one number that it says."""
    return Side(op.index, op.type, tuple(side.graph.tensors[index].name for index in op.outputs), {name: value})


def _epsilons(side: Known, ops: Sequence[Op]) -> Iterator[tuple[Op, float]]:
    """(operator, number) of what normalizations add under their roots."""
    for op in ops:
        said = [op.attributes[name] for name in _EPSILONS if isinstance(op.attributes.get(name), float)]
        if "norm" in op.type.lower() and said:
            yield op, said[0]
        elif op.type in _ADDS and any(reader.type in _ROOTS for reader in side.readers.get(op.outputs[0], ())):
            yield from ((op, value) for value in _lone(side, op) if 0 < value <= MOST_EPSILON)


def beside_one(side: Known, ops: Sequence[Op]) -> float:
    """The largest epsilon of a batch norm whose variance is 1: it scales by 1 / sqrt(1 + epsilon)."""
    found = [0.0]
    for op in ops:
        variance = side.graph.tensors[op.inputs[2]].data if op.type == "batch_norm" else None
        if variance is not None and (variance == 1).all():
            found.append(float(op.attributes.get("epsilon", 0.0)))
    return max(found)


def _lone(side: Known, op: Op) -> Iterator[float]:
    """The constants of an operator that are one number."""
    for index in op.inputs:
        data = side.graph.tensors[index].data if index >= 0 else None
        if data is not None and data.size == 1 and data.dtype.kind == "f":
            yield float(data.reshape(-1)[0])


def _slopes(side: Known, ops: Sequence[Op]) -> Iterator[tuple[Op, float]]:
    for op in ops:
        value = op.attributes.get(_SLOPES.get(op.type, ""))
        if isinstance(value, float):
            yield op, value


def _hard(side: Known, ops: Sequence[Op]) -> Iterator[tuple[Op, float]]:
    for op in ops:
        if op.type in _SIXTHS:
            yield op, 1 / 6
        elif op.type in _HARD:
            yield op, float(op.attributes.get("alpha", _HARD[op.type]))


def _elus(side: Known, ops: Sequence[Op]) -> Iterator[tuple[Op, float]]:
    yield from ((op, float(op.attributes.get("alpha", _ELUS[op.type]))) for op in ops if op.type in _ELUS)


def _gelus(side: Known, ops: Sequence[Op]) -> Iterator[tuple[Op, float]]:
    """(operator, whether it is the approximation by a tanh), which 8 and 16 bits hide."""
    for op in ops:
        kind = op.type.rpartition(".")[2].lower()
        if kind in _GELUS:
            said = [str(op.attributes.get(name, "")).lower() for name in _GELUS[kind]]
            yield op, float(kind == "fastgelu" or any("tanh" in one or one == "true" for one in said))
