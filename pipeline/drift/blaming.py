"""Which operator of a segment that differs is to blame: by its constants, by leaving one out, by values inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from converters.contract import Artifact
from converters.errors import EdgeExportError
from converters.graph import Op
from pipeline.checks.drift import run_time, stress
from pipeline.checks.drift.blame import Blame, by_constants, by_partners, by_sizes, by_values, skippable
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.nearness import near
from pipeline.checks.drift.values import real
from pipeline.drift.alone import Alone, Piece

_MOST = 8
"""Operators that are left out by turns."""
SURE_DB, ROUGH_DB = 60.0, 20.0
"""Signal to error of tensors that hold the same; the second where something inside rounds to 8 or 16 bits."""
NEAR = 1e-5
"""Of the range: one side without an operator is the other."""


def blamed(alone: Alone, cut: Segment) -> Blame:
    """The operator of b that is to blame, its counterpart, and the cause; nothing where nothing tells."""
    found = _blamed(alone, cut)
    parts = {place: one.main for one in run_time.groups(alone.b, cut.ops_b) for place in (*one.inside, one.end)}
    return dataclasses.replace(found, b=parts.get(found.b.index, found.b)) if found.b else found


def _blamed(alone: Alone, cut: Segment) -> Blame:
    if not cut.out.layout.fits:
        return by_sizes(alone.a, alone.b, cut)
    told = by_constants(alone.a, alone.b, cut)
    rows = alone.values(cut)
    ours = _inside(alone.work.a, alone, alone.a, cut.ops_a, alone.piece(True, cut, rows.starts))
    theirs = _inside(alone.work.b, alone, alone.b, cut.ops_b, alone.piece(False, cut, rows.starts))
    least_db = SURE_DB if alone.tight(cut) else ROUGH_DB
    lone = by_partners(alone.a, alone.b, cut, (ours, theirs), least_db) if len(cut.ops_b) > 1 else None
    if told is not None:
        return told if lone is None or lone.b is told.b else lone
    if lone is not None:
        return lone
    if cut.out.a not in ours or cut.out.b not in theirs:
        return Blame()
    want, got = ours[cut.out.a], theirs[cut.out.b]
    if want[0].size != got[0].size:
        return Blame()
    got = cut.out.layout.back(got)
    for op, values in _without(alone, False, cut, theirs):
        if values[0].size == want[0].size and _same(want, cut.out.layout.back(values)):
            return Blame(op, None, f"{op.type} is put in")
    for op, values in _without(alone, True, cut, ours):
        if values.shape == got.shape and _same(got, values):
            return Blame(_idle(alone.b, op), op, f"{op.type} is skipped")
    inner = {place for one in run_time.groups(alone.b, cut.ops_b) for place in one.inside}
    whole = [op for op in cut.ops_b if op.index not in inner]
    return Blame(by_values(whole, theirs, want) if len(cut.ops_b) > 1 else None)


def _inside(file: Artifact, alone: Alone, side: Known, ops: tuple[Op, ...], piece: Piece) -> dict[int, np.ndarray]:
    """Real values of all that a segment computes, by index; its starts among them."""
    given, _ = piece
    made = tuple(index for op in ops for index in op.outputs if index not in side.steady)
    found: object = {}
    if made:
        (found,) = alone.work.ask(file, "run_many", pieces=[(given, made)])
    if isinstance(found, EdgeExportError) or not isinstance(found, Mapping):
        return {}
    return {index: real(values, side.graph.tensors[index]) for index, values in {**given, **found}.items()}


def _without(alone: Alone, first: bool, cut: Segment, inside: Mapping[int, np.ndarray]) -> list[tuple[Op, np.ndarray]]:
    """(operator, what the segment gives without it) for those that can be left out."""
    side, file = (alone.a, alone.work.a) if first else (alone.b, alone.work.b)
    end = cut.out.a if first else cut.out.b
    ops = cut.ops_a if first else cut.ops_b
    choices = skippable(ops, inside, side.steady)[:_MOST]
    pieces: list[Piece] = []
    for op, taken in choices:
        behind = {op.outputs[0]: inside[taken]}
        needed = {i: values for i, values in inside.items() if not side.before[i] >> side.rank[op.outputs[0]] & 1}
        stored = {
            index: stress.stored(values, side.graph.tensors[index], side.recorded[index].dtype)
            for index, values in {**needed, **behind}.items()
            if index in side.recorded
        }
        pieces.append((_read(side, ops, end, stored), (end,)))
    answers = alone.asked(file, pieces)
    return [
        (op, real(values, side.graph.tensors[end]))
        for (op, _), values in zip(choices, answers, strict=True)
        if values is not None
    ]


def _read(side: Known, ops: tuple[Op, ...], end: int, known: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Of `known` values those from which the end is computed."""
    needed: dict[int, np.ndarray] = {}
    todo = [end]
    seen = set()
    while todo:
        index = todo.pop()
        if index in seen or index < 0:
            continue
        seen.add(index)
        if index in known:
            needed[index] = known[index]
        elif index in side.maker and index not in side.steady:
            todo += side.maker[index].inputs
    return needed


def _same(want: np.ndarray, got: np.ndarray) -> bool:
    return near(want, got, np.stack([want]), 0).gap <= NEAR


def _idle(side: Known, like: Op) -> Op | None:
    """The operator of b of the same kind that gives out what it takes: there, and without effect."""
    kind = like.type.replace("_", "").lower()
    for op in side.graph.ops:
        taken = [index for index in op.inputs if index in side.recorded]
        if op.type.replace("_", "").lower() == kind and taken and op.outputs and op.outputs[0] in side.recorded:
            first, second = side.recorded[taken[0]], side.recorded[op.outputs[0]]
            if first.shape == second.shape and np.array_equal(first, second):
                return op
    return None
