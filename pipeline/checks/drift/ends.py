"""The outputs of two models: which is which by name or place, and whether values or sizes say otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from converters.graph import Op
from converters.names import partners_by_number
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout, layouts
from pipeline.checks.drift.matching import Partner, best_layout
from pipeline.checks.drift.suspects import Side, Suspect

_COUNTS = frozenset(
    (
        *("NonMaxSuppression", "NonZero", "Unique", "Compress"),
        *("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "WHERE", "UNIQUE"),
        *("non_maximum_suppression", "non_zero", "aten.nonzero", "aten.masked_select", "aten._unique2"),
    )
)
"""Operators with which values decide how many there are."""


def partner_places(a: Known, b: Known) -> dict[int, int]:
    """For each output of a, by place, the place in b that is called so, or where names say nothing stands there.

    Numbers that TensorFlow's converters leave in the place of names say which it was. Where no name is
    shared, sizes do.
    """
    names, others = a.graph.output_names, b.graph.output_names
    places = range(len(a.graph.outputs))
    if sorted(names) == sorted(others) and len(set(names)) == len(names):
        return {place: others.index(names[place]) for place in places}
    partners = partners_by_number(names, others)
    if partners and len(set(names)) == len(names):
        numbered = {place: others.index(partners[names[place]]) for place in places}
        if all(_alike(a, b, place, other) for place, other in numbered.items()):
            return numbered
    if not {*names} & {*others} and (sized := _by_size(a, b)):
        return sized
    return {place: place for place in places if place < len(b.graph.outputs)}


def _by_size(a: Known, b: Known) -> dict[int, int]:
    """The places that sizes tell; none where two outputs have one size, or a size has no partner."""
    sizes = [
        [
            tuple(_size(side.recorded[index].shape[1:])) if index in side.recorded else None
            for index in side.graph.outputs
        ]
        for side in (a, b)
    ]
    apart = len({*sizes[0]}) == len(sizes[0]) == len(sizes[1])
    if None in sizes[0] or not apart or {*sizes[0]} != {*sizes[1]}:
        return {}
    return {place: sizes[1].index(size) for place, size in enumerate(sizes[0])}


def _alike(a: Known, b: Known, place: int, other: int) -> bool:
    """Whether two outputs hold as many values, as far as both were recorded."""
    sides = [known.recorded.get(known.graph.outputs[at]) for known, at in ((a, place), (b, other))]
    sizes = [values[0].size for values in sides if values is not None and len(values)]
    return len(set(sizes)) < 2


def exchanged(a: Known, b: Known, pairs: Mapping[int, Partner]) -> Iterator[Suspect]:
    """Outputs that are missing or added, or that hold what another output of the reference holds."""
    names_a, names_b = a.graph.output_names, b.graph.output_names
    if len(names_a) != len(names_b):
        measure = f"{len(names_a)} became {len(names_b)}"
        ours, theirs = (Side(None, "OUTPUT", names) for names in (names_a, names_b))
        yield Suspect("outputs", ours, theirs, measure, "outputs are missing or were added", float("inf"))
    for place, other in partner_places(a, b).items():
        index = b.graph.outputs[other]
        found = pairs.get(index)
        if found and found.a != a.graph.outputs[place] and found.a in a.graph.outputs and not _same(a, found.a, place):
            cause = f"output {names_a[place]!r} holds the values of another output: outputs are exchanged"
            sides = Side(None, "OUTPUT", (names_a[place],)), Side(None, "OUTPUT", (names_b[other],))
            yield Suspect("outputs", *sides, "by value", cause, float("inf"))


def _same(a: Known, index: int, place: int) -> bool:
    """Whether two outputs of the reference hold the same values."""
    other = a.graph.outputs[place]
    if other not in a.recorded or a.recorded[other].shape != a.recorded[index].shape:
        return False
    return bool(np.array_equal(a.recorded[other], a.recorded[index], equal_nan=True))


def outputs(a: Known, b: Known, pairs: Mapping[int, Partner]) -> dict[int, Partner]:
    """The outputs as partners, by tensor of b, in the layout that values or shapes say."""
    found = {}
    other_sizes = resized(a, b)
    for place, other in partner_places(a, b).items():
        first, second = a.graph.outputs[place], b.graph.outputs[other]
        known = pairs.get(second)
        if known is not None and (known.a == first or known.a in a.graph.outputs):
            continue
        if first not in a.recorded or second not in b.recorded:
            continue
        want, got = a.real(first), b.real(second)
        db, layout = best_layout(want, got)
        layout = layout or next(layouts(want.shape[1:], got.shape[1:]), None)
        if layout is None and (first, second) in other_sizes:
            layout = Layout(want.shape[1:], got.shape[1:], ())  # nothing to carry: a segment that ends here is wrong
        if layout is not None:
            found[second] = Partner(first, second, layout, db)
    return found


def resized(a: Known, b: Known) -> list[tuple[int, int]]:
    """(output of a, of b) where, on the same inputs, the one has another size, or another rank, than the other.

    Not where values decide how many there are, nor where outputs of the same sizes only stand in another order.
    """
    places = ((a.graph.outputs[place], b.graph.outputs[other]) for place, other in partner_places(a, b).items())
    ends = [(one, two) for one, two in places if one in a.recorded and two in b.recorded]
    shapes = [(a.recorded[one].shape[1:], b.recorded[two].shape[1:]) for one, two in ends]
    if sorted(_size(one) for one, _ in shapes) == sorted(_size(two) for _, two in shapes):
        if all(_size(one) == _size(two) for one, two in shapes):
            return [end for end, (one, two) in zip(ends, shapes, strict=True) if _other_rank(one, two)]
        return []
    return [
        end
        for end, (one, two) in zip(ends, shapes, strict=True)
        if _size(one) != _size(two) and not (_counts(a, end[0]) or _counts(b, end[1]))
    ]


FAR_DB = 6.0
"""Signal to error of an output: honest files of 8 bits show 15 dB and more."""


def far(a: Known, b: Known, known: Collection[int]) -> Iterator[Suspect]:
    """Outputs of b, but those `known` to be right, that are not the reference's on the same inputs.

    For segments that cannot be run alone, as a branch that calls another graph: nothing else judges them.
    """
    for place, other in partner_places(a, b).items():
        one, two = a.graph.outputs[place], b.graph.outputs[other]
        if two in known or one not in a.recorded or two not in b.recorded:
            continue
        kinds = a.recorded[one].dtype.kind + b.recorded[two].dtype.kind
        if kinds != "ff" or a.recorded[one][0].size != b.recorded[two][0].size:
            continue
        want, got = a.real(one), b.real(two)
        db, _ = best_layout(want, got)
        if db < FAR_DB and np.isfinite(want).all():
            ours, theirs = _end(a, one), _end(b, two)
            cause = "the output is another, and what lies before it cannot be run alone"
            yield Suspect("outputs", ours, theirs, f"signal to error {db:.1f} dB", cause, float(a.rank.get(one, 0)))


def _end(side: Known, index: int) -> Side:
    op = side.maker.get(index)
    return Side(op.index if op else None, op.type if op else "INPUT", (side.graph.tensors[index].name,))


def shape_told(a: Known, b: Known, end: tuple[int, int]) -> Suspect:
    """The suspect that such an output is: the operator that gave it its shape."""
    sides, shapes = [], []
    for side, index in ((a, end[0]), (b, end[1])):
        shape = side.recorded[index].shape[1:]
        op = _shaped(side, index)
        names = (side.graph.tensors[index].name,)
        sides.append(Side(op.index if op else None, op.type if op else "INPUT", names, {"shape": shape}))
        shapes.append(shape)
    cause = f"an output has the shape {shapes[1]}, not {shapes[0]}"
    return Suspect("shape", sides[0], sides[1], f"{shapes[0]} became {shapes[1]}", cause, float(a.rank.get(end[0], 0)))


def _size(shape: tuple[int, ...]) -> list[int]:
    """What a shape is in any layout."""
    return sorted(size for size in shape if size != 1)


def _other_rank(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    """Whether the ranks differ; some formats have no scalars, nor tensors without an axis for samples."""
    return len(one) != len(two) and min(len(one), len(two)) > 1


def _counts(side: Known, index: int) -> bool:
    behind = side.before.get(index, 0)
    return any(op.type in _COUNTS and any(behind >> side.rank[i] & 1 for i in op.outputs) for op in side.graph.ops)


def _shaped(side: Known, index: int) -> Op | None:
    """The operator that gave a tensor its shape: those behind it kept it."""
    while (op := side.maker.get(index)) is not None:
        kept = [i for i in op.inputs if i in side.maker and i in side.recorded and i not in side.steady]
        same = [i for i in kept if side.recorded[i].shape == side.recorded[index].shape]
        if not same:
            return op
        index = same[0]
    return None
