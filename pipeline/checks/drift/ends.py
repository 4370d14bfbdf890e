"""The outputs of two models: which is which by name or place, and whether values say otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from converters.names import partners_by_number
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import layouts
from pipeline.checks.drift.matching import Partner, best_layout
from pipeline.checks.drift.suspects import Side, Suspect


def partner_places(a: Known, b: Known) -> dict[int, int]:
    """For each output of a, by place, the place in b that is called so, or where names say nothing stands there.

    Numbers that TensorFlow's converters leave in the place of names say which it was.
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
    return {place: place for place in places if place < len(b.graph.outputs)}


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
        if layout is not None:
            found[second] = Partner(first, second, layout, db)
    return found
