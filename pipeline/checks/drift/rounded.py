"""What rounding must leave as it is: weights, ranges, number types; whatever the values on these inputs say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from converters.graph import Op, Tensor
from pipeline.checks.drift import folding, rounding, run_time
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.folding import Folded, Held
from pipeline.checks.drift.grids import STORES, grid_of, held_within, reach
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.precision import quantizable
from pipeline.checks.drift.stepwise import ROUGH_DB
from pipeline.checks.drift.suspects import Side, Suspect
from pipeline.checks.drift.weights import causes, differs

CORRECTED = 0.5
"""Of the biases: where more of them moved, they were corrected for what rounding the weights does."""
CUT, TIMES = 0.25, 4.0
"""Of the width of a range: how far recorded values lie beyond its ends, also against most other tensors."""
CUT_OF_FEW, _MANY, RARE = 1.0, 32, 0.005
"""The same of a tensor of which fewer values than this were recorded, or a smaller share lies beyond its ends, or that
comes from averages: what calibrates on noise sees little of where those may lie."""
WHOLE = 0.5
"""Of computed tensors in 8 bits: from here on a file is an integer one, and an operator in float was left behind."""
_SELECTING = frozenset(("select", "select_v2", "where"))
_LIMITS = ("clip", "clamp", "hardtanh", "relu", "minimum", "maximum")
UNMET, UNMET_DB = 0.03, 12.0
"""Of a kernel's size: from here on its rounding is coarse; and by how much it adds up behind such a one."""
_SMALL = ("int8", "uint8")
_ZEROS = 0.02
MOST_LEFT = 50_000_000
"""Values that are compared to find kernels again that no segment has on both sides."""


def matches(a: Known, b: Known, cuts: Sequence[Segment]) -> list[Folded]:
    """The constants that both sides hold, each once: of each segment, then kernels that are left over anywhere."""
    found: dict[int, Folded] = {}
    for cut in cuts:
        for one in folding.folded(folding.held(a, cut.ops_a), folding.held(b, cut.ops_b)):
            found.setdefault(one.b.index, one)
    taken = {one.a.index for one in found.values()}
    ours = [one for one in folding.held(a, a.graph.ops) if one.index not in taken and one.values.ndim > 1]
    theirs = [one for one in folding.held(b, b.graph.ops) if one.index not in found and one.values.ndim > 1]
    if sum(one.values.size for one in ours for two in theirs if one.values.size == two.values.size) <= MOST_LEFT:
        found |= {one.b.index: one for one in folding.folded(ours, theirs)}
    return list(found.values())


def weights(a: Known, b: Known, found: Sequence[Folded]) -> Iterator[Suspect]:
    """Stored integers that are none of the two next to the reference's weight."""
    stored = [one for one in found if one.b.step is not None and one.a.step is None and not one.partly]
    off = [(one, rounding.beyond(one)) for one in stored]
    biases = [beyond.any() for one, beyond in off if one.b.values.ndim == 1]
    corrected = len(biases) > 2 and float(np.mean(biases)) > CORRECTED
    for one, beyond in off:
        if not beyond.any() or (one.b.values.ndim == 1 and corrected):
            continue
        assert one.b.step is not None
        steps = np.abs(one.b.values - _wanted(one)) / np.where(one.b.step == 0, 1, one.b.step)
        yield _told_of(a, b, one, f"{int(beyond.sum())} of {beyond.size} values off by up to {steps.max():.3g} steps")


def changed(a: Known, b: Known, found: Sequence[Folded]) -> Iterator[Suspect]:
    """Kernels and tables of which most is the reference's, and some of it is something else."""
    for one in found:
        if one.partly:
            yield _told_of(a, b, one, f"{one.distance - 1:.1%} of the values are not the rounding of what they were")


def _wanted(one: Folded) -> np.ndarray:
    """The reference's constant as b should hold it."""
    wanted: np.ndarray = one.layout.carry(one.a.values[None])[0] * one.scale
    return wanted


def _told_of(a: Known, b: Known, one: Folded, measure: str) -> Suspect:
    what = "kernel" if one.b.values.ndim > 1 else "bias"
    cause = next(causes(_wanted(one), one.b.values), "values differ")
    ours, theirs = reader(a, one.a.op), reader(b, one.b.op)
    return Suspect("weights", ours, theirs, measure, f"{what}: {cause}", order(a, one))


def order(a: Known, one: Folded) -> float:
    """The place of what computes with a constant in the reference's order of computation."""
    ends = [op.outputs[0] for op in a.graph.ops if op.index == reader(a, one.a.op).op_index and op.outputs]
    return float(a.rank.get(ends[0], 0)) if ends else 0.0


def order_of(a: Known, cut: Segment) -> float:
    """The place of a segment's end in the reference's order of computation."""
    return float(a.rank.get(cut.out.a, 0))


def plain(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[Suspect]:
    """Constants of b in float that are not the reference's, where a segment holds the same ones, one for one.

    Where something was folded into them their numbers differ, and only the segment's values can judge. A constant in
    float32 must be the reference's; one in 16 bits its rounding.
    """
    for cut in cuts:
        ours, theirs = folding.held(a, cut.ops_a, 1), folding.held(b, cut.ops_b, 1)
        pairs = folding.folded(ours, theirs)
        if len(pairs) != len(ours) or len(ours) != len(theirs) or any((one.scale != 1).any() for one in pairs):
            continue
        for one in pairs:
            if one.b.step is not None or one.a.rounded:
                continue
            want = one.layout.carry(one.a.values[None])[0]
            held_in = "float16" if one.b.half else "float32"
            first, second = (
                Tensor(0, "", values.shape, dtype, values.astype(dtype), palettized=table)
                for values, dtype, table in ((want, "float32", False), (one.b.values, held_in, one.b.palettized))
            )
            if found := differs(first, second):
                measure, cause = found
                ours_op, theirs_op = reader(a, one.a.op), reader(b, one.b.op)
                what = "kernel" if one.b.values.ndim > 1 else "bias" if one.b.values.size > 1 else "constant"
                place = float(a.rank.get(cut.out.a, 0))
                yield Suspect("weights", ours_op, theirs_op, measure, f"{what}: {cause}", place)


def reader(side: Known, op: Op) -> Side:
    """The operator that computes with a constant."""
    while op.outputs and all(index in side.steady for index in op.outputs):
        readers = side.readers.get(op.outputs[0], [])
        if not readers:
            break
        op = readers[0]
    return Side(op.index, op.type, tuple(side.graph.tensors[index].name for index in op.outputs))


def ranges(a: Known, b: Known, cuts: Sequence[Segment], *, guessed: bool = False) -> Iterator[Suspect]:
    """Ranges that cut off much of what the reference holds there, or do not start where an activation does.

    `guessed`: nobody gave inputs, and every other sample is as wide as it may be: a range is right if it is for them,
    or for the others.
    """
    grids = {cut: grid for cut in cuts if (grid := grid_of(b, cut.out.b)) and grid_of(a, cut.out.a) is None}
    ends = {cut: reach(b, cut.ops_b, grid) for cut, grid in grids.items()}
    held = {cut: np.clip(a.real(cut.out.a), *held_within(b, cut.out.b)) for cut in grids}
    beyond = {cut: min(_beyond(part, *ends[cut]) for part in _alike(held[cut], guessed)) for cut in grids}
    usual = float(np.quantile(list(beyond.values()), 0.75)) if len(beyond) > 3 else 0.0
    twins = [(grid.scale, grid.zero_point) for grid in grids.values()]
    for cut, grid in grids.items():
        values = a.real(cut.out.a)
        low, high = ends[cut]
        cause = ""
        # a calibration on as few tells its ends badly, and what is squared goes far beyond now and then
        few = values.size < _MANY or float(((values < low) | (values > high)).mean()) <= RARE
        few |= cut.out.b in b.averaged
        wide = beyond[cut] > max(CUT_OF_FEW if few else CUT, TIMES * usual)
        if wide and not _selected_from(b, cut.out.b) and not _limited(a, cut.out.a, low, high):
            needed = f"{values.min():.4g} to {values.max():.4g}"
            cause = f"the range {low:.4g} to {high:.4g} cuts off values from {needed}"
        alone = twins.count((grid.scale, grid.zero_point)) == 1
        if values.min() == 0 and (values == 0).mean() > _ZEROS and low < 0 and alone and -low <= 32 * grid.scale:
            cause = f"the zero point is {grid.zero_point:.0f}; what is never below zero starts at {grid.least}"
        if cause and cut.ops_b:
            op = b.maker.get(cut.out.b, cut.ops_b[-1])
            given = {"scale": grid.scale, "zero_point": grid.zero_point}
            theirs = Side(op.index, op.type, (b.graph.tensors[cut.out.b].name,), given)
            seen = {"least": float(values.min()), "greatest": float(values.max())}
            there = a.maker.get(cut.out.a)
            ours = Side(there.index if there else None, there.type if there else "INPUT", (), seen)
            measure = f"recorded values lie beyond it by {beyond[cut]:.2f} of its width"
            yield Suspect("quantization", ours, theirs, measure, cause, order_of(a, cut))


def _limited(a: Known, index: int, low: float, high: float, far: int = 3) -> bool:
    """Whether the reference cuts a tensor off within these ends soon: a quantizer takes the limit for the range."""
    room = 0.01 * (high - low)
    for op in a.readers.get(index, ()) if far else ():
        out = op.outputs[0]
        if out not in a.recorded or a.recorded[out].shape != a.recorded[index].shape:
            continue
        values = a.real(out)
        cut = any(part in op.type.lower() for part in _LIMITS)
        if cut and values.min() >= low - room and values.max() <= high + room:
            return True
        if not cut and _limited(a, out, low, high, far - 1):
            return True
    return False


def _selected_from(side: Known, index: int) -> bool:
    """Whether a tensor is read only as what a selection may leave out, as exp(x) of an ELU where x is positive."""
    readers = side.readers.get(index, [])
    if readers and all(op.type in STORES for op in readers):
        return all(_selected_from(side, op.outputs[0]) for op in readers)
    kinds = {op.type.lower() for op in readers}
    return bool(kinds) and kinds <= _SELECTING and all(index in op.inputs[1:] for op in readers)


def _alike(values: np.ndarray, guessed: bool) -> tuple[np.ndarray, ...]:
    """Samples as wide as each other; see `feeding.chosen`."""
    return (values[::2], values[1::2]) if guessed and len(values) > 1 else (values,)


def _beyond(values: np.ndarray, low: float, high: float) -> float:
    """How far recorded values lie beyond the ends of a range, as a share of its width."""
    return max(low - float(values.min()), float(values.max()) - high, 0.0) / (high - low)


def left_in_float(a: Known, b: Known, cuts: Sequence[Segment]) -> Iterator[Suspect]:
    """Operators of b in float between operators in 8 bits, in a file that is one of 8 bits."""
    made = [index for op in b.graph.ops for index in op.outputs if index not in b.steady and index in b.recorded]
    small = {index for index in made if str(b.recorded[index].dtype) in _SMALL}
    if len(small) < WHOLE * len(made) or any(str(v.dtype) in _SMALL for v in a.recorded.values()):
        return
    for cut in cuts:
        for op in cut.ops_b:
            if _between(b, op, small) and quantizable(op.type):
                ours, theirs = (Side(o.index, o.type) for o in (cut.ops_a[-1] if cut.ops_a else op, op))
                cause = "it was left in float between operators in 8 bits"
                yield Suspect("float", ours, theirs, "float32 in a file of 8 bits", cause, float(a.rank[cut.out.a]))


def _between(b: Known, op: Op, small: set[int]) -> bool:
    """Whether what an operator takes was just made float, and what it gives is made 8 bits next.

    In ONNX so stands every operator in 8 bits.
    """
    computed = [index for index in op.inputs if index in b.maker and index not in b.steady]
    if not computed or small.intersection((*op.outputs, *computed)):
        return False
    before = all(small.intersection(b.maker[index].inputs) for index in computed)
    before &= all(b.maker[index].type != "DequantizeLinear" for index in computed)
    readers = [reader for index in op.outputs for reader in b.readers.get(index, ())]
    return before and bool(readers) and all(small.intersection(reader.outputs) for reader in readers)


def rough_db(a: Known, segment: Segment, weights: Sequence[Held]) -> float:
    """Signal to error that rounded weights leave; less where coarse ones have no partner, as gates in another order.

    Those the reference could not be given as b has rounded them.
    """
    found = folding.folded(folding.held(a, segment.ops_a), weights)
    known = {one.b.index for one in found if not one.partly}
    worst = max((one.coarseness for one in weights if one.index not in known and one.values.ndim > 1), default=0.0)
    return ROUGH_DB if worst <= UNMET else min(ROUGH_DB, -20 * float(np.log10(worst)) - UNMET_DB)


def settles(a: Known, b: Known, segment: Segment) -> bool:
    """Whether nothing is left to round in b's segment once the reference has its weights, and values are settled.

    Where a norm was folded into the weights its factors are known only as well as rounded weights tell them.
    """
    starts = {start.b for start in segment.given}
    if run_time.rounds_inside(segment.ops_b, starts) or any(run_time.hybrid(b, op) for op in segment.ops_b):
        return False
    ours, theirs = folding.held(a, segment.ops_a), read(b, segment.ops_b)
    pairs = [one for one in folding.folded(ours, theirs) if not one.partly]
    if not any(run_time.rounds(segment.ops_b)):  # weights alone: the reference must have each of them
        known = {one.b.index for one in pairs if not (one.a.multiplied or one.b.multiplied) and _given(one)}
        if any(one.rounded and one.index not in known for one in read(b, segment.ops_b, 1)):
            return False
    folds = len(ours) > len(pairs)
    return not folds or all(one.scale.size == 1 for one in pairs if one.b.rounded)


def read(side: Known, ops: Sequence[Op], least: int = folding.LEAST) -> list[Held]:
    """The weights that operators compute with: of integers that are expanded first, what they are expanded to."""
    return [one for one in folding.held(side, ops, least) if not side.steady.issuperset(one.op.outputs)]


def _given(one: Folded) -> bool:
    """Whether the reference's constant can be b's, or is the same rounded one."""
    return not one.a.rounded or one.distance <= folding.SAME


def bare(side: Known, ops: Sequence[Op]) -> bool:
    """Whether an operator computes with integers that stand for weights, and another says later on which grid."""
    held = (
        side.graph.tensors[i].data for op in ops if not side.steady.issuperset(op.outputs) for i in op.inputs if i >= 0
    )
    return any(data is not None and data.size >= folding.LEAST and str(data.dtype) in _SMALL for data in held)


def share(a: Known, found: Sequence[Folded]) -> float | None:
    """The share of the reference's weights that were found in b."""
    every = {one.index: one.values.size for one in folding.held(a, a.graph.ops)}
    total = sum(every.values())
    return sum(every.get(index, 0) for index in {one.a.index for one in found}) / total if total else None
