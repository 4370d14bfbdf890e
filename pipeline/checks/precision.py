"""Whether a file is made of what its precision says: counted in its tensors and operators, never read from metadata."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from converters.contract import CALIBRATED, Format, Precision
from converters.inspection import Inspection, TensorInfo
from pipeline.checks.float_ops import RUN_TIME_QUANTIZERS, float_ops, masked_in, operators_kept
from pipeline.checks.gates import PrecisionGate
from pipeline.checks.integer_weights import (
    EIGHT_BITS,
    INDICES,
    per_tensor_convolutions,
    read_as_integers,
    taken_out,
)
from pipeline.checks.outcome import Check, Metric, Outcome
from pipeline.checks.weights import SIXTEEN_BITS, judged, weight_tensors

_CLAIMED: Mapping[Precision, tuple[str, ...]] = {
    Precision.FP32: ("float32", "float64"),  # what the source computes in 64 bits has lost nothing
    Precision.FP16: ("float16",),
    Precision.INT8_WEIGHTS: ("int8",),
    Precision.INT4_WEIGHTS: ("int4", "uint4"),
    Precision.PALETTIZED: INDICES,
    Precision.DYNAMIC: EIGHT_BITS,
    Precision.INT8: EIGHT_BITS,
    Precision.INT8_IO: EIGHT_BITS,
    Precision.INT16X8: ("int8",),
}
_CHOOSES = frozenset(("where", "select", "select_v2", "aten::where", "aten::masked_fill", "aten.where.self"))
"""Operators, in small letters, that take a number or leave it, and compute nothing with it."""
_LISTED = 5
_LONGEST_NAME = 48


def check_precision(
    inspection: Inspection,
    claimed: Precision,
    gate: PrecisionGate,
    *,
    weightless: bool = False,
    kept: Collection[str] = (),
    odd: bool = False,
) -> Check:
    """The check `precision`: weights, activations, inputs and outputs of the file against its claim.

    fp32: float32 weights that use their bits. fp16: float16 weights; operators too, where a file declares them.
    int8-weights, int4-weights, palettized: integers that are expanded to float before they are used.
    dynamic: 8-bit weights that operators compute with, float activations.
    int8: 8-bit weights, per channel in convolutions, and no operator left in float. int8-io: 8-bit inputs and
    outputs as well. int16x8: as int8, with activations of 16 bits. A NaN or Inf among the constants fails every claim
    unless the source model has `odd` ones too (a mask, and sound outputs) or it is one number that is only chosen, and
    so do no weights at all unless it is `weightless` too. Operators that give out tensors of the names `kept` are in
    float by the recipe's word; they and their weights do not count.
    """
    counts = _elements(inspection)
    total = sum(counts.values())
    leftover = float_ops(inspection, kept) if claimed in CALIBRATED else []
    reasons = [] if odd else _broken_constants(inspection)
    if total == 0 and not weightless:
        reasons.append("the file holds no weights: no precision can be read from it")
    elif total:
        reasons += _weights(inspection, claimed, gate, judged(inspection, claimed, gate.small_elements, kept))
    reasons += _RULES[claimed](inspection, gate, leftover)
    metrics: dict[str, Metric] = {
        "weight_elements": total,
        "weight_bytes": sum(tensor.size_bytes for tensor in weight_tensors(inspection)),
        **{f"share_{dtype}": count / total for dtype, count in sorted(counts.items())},
        "operators": len(inspection.ops),
    }
    if claimed in CALIBRATED and (behind := masked_in(inspection).ops):
        metrics |= {"masked_ops": len(behind)}
    if kept:
        metrics |= {"kept_ops": len(operators_kept(inspection, kept))}
    if claimed in CALIBRATED:
        metrics |= {"float_ops": len(leftover), "float_op_types": _counted(leftover)}
    return Check("precision", Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)


def _elements(inspection: Inspection) -> Counter[str]:
    """How many weights of each type."""
    counts: Counter[str] = Counter()
    for tensor in weight_tensors(inspection):
        counts[tensor.dtype] += math.prod(tensor.shape)
    return counts


def _broken_constants(inspection: Inspection) -> list[str]:
    """NaN and Inf, but for one number that is only ever chosen, and what an attention's mask puts in before Softmax."""
    hidden = masked_in(inspection).tensors
    read: dict[int, set[str]] = {}
    for op in inspection.ops:
        for index in op.inputs:
            read.setdefault(index, set()).add(op.type.lower())
    broken = [
        tensor.name
        for index, tensor in enumerate(inspection.tensors)
        if tensor.constant
        and not tensor.finite
        and index not in hidden
        and not (math.prod(tensor.shape) == 1 and read.get(index) and read[index] <= _CHOOSES)
    ]
    return [f"NaN or Inf in the constants {_names(broken)}"] if broken else []


def _weights(inspection: Inspection, claimed: Precision, gate: PrecisionGate, large: list[TensorInfo]) -> list[str]:
    """Whether the large weights are of the claimed type, and float32 ones use their bits."""
    allowed = _CLAIMED[claimed]
    total = sum(math.prod(tensor.shape) for tensor in large)
    other = [tensor for tensor in large if tensor.dtype not in allowed]
    share = 1.0 - sum(math.prod(tensor.shape) for tensor in other) / total if total else 0.0
    reasons = []
    if not total:
        held = ", ".join(f"{count} {dtype}" for dtype, count in _elements(inspection).items())
        if not set(_elements(inspection)) & set(allowed):
            reasons.append(f"called {claimed}, but its weights are {held}")
    elif share < gate.min_weight_share:
        found = ", ".join(sorted({tensor.dtype for tensor in other}))
        reasons.append(
            f"called {claimed}, but only {share:.1%} of its large weights are {' or '.join(allowed[:2])} "
            f"(wanted {gate.min_weight_share:.1%}); {found} in {_names([tensor.name for tensor in other])}"
        )
    rounded = [tensor for tensor in large if tensor.dtype == "float32" and tensor.grid_bits < 32]
    if total and sum(math.prod(tensor.shape) for tensor in rounded) > gate.max_grid_share * total:
        bits = min(tensor.grid_bits for tensor in rounded)
        reasons.append(
            f"float32 tensors hold values of {bits} bits only: weights were rounded before they were written "
            f"({_names([tensor.name for tensor in rounded])})"
        )
    return reasons


def _float_activations(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of all but int8: nothing at run time is quantized ahead of time, inputs and outputs included."""
    made = {out for op in inspection.ops if op.type not in RUN_TIME_QUANTIZERS for out in op.outputs}
    made -= taken_out(inspection)
    fixed = [
        tensor.name
        for place, tensor in enumerate(inspection.tensors)
        if not tensor.constant and tensor.scales and tensor.dtype in (*EIGHT_BITS, *SIXTEEN_BITS) and place in made
    ]
    reasons = [f"activations are quantized ahead of time: {_names(fixed)}"] if fixed else []
    quantized = [spec.name for spec in (*inspection.signature.inputs, *inspection.signature.outputs) if spec.quantized]
    if quantized:
        reasons.append(f"inputs or outputs are quantized: {_names(quantized)}")
    return reasons


def _expanded(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of weights alone: those of float, and no operator computes on the stored integers."""
    reasons = _float_activations(inspection, gate, leftover)
    read = read_as_integers(inspection)
    return (
        [*reasons, f"operators compute on integers, which no precision of weights alone does: {_names(read)}"]
        if read
        else reasons
    )


def _run_time(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of dynamic: those of float, and operators compute on the stored integers, not on what they stand for."""
    reasons = _float_activations(inspection, gate, leftover)
    small = any(tensor.constant and tensor.dtype in EIGHT_BITS for tensor in inspection.tensors)
    if small and not read_as_integers(inspection):
        reasons.append("called dynamic, but all weights are expanded to float before they are used: int8-weights")
    return reasons


def _half_activations(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of fp16: those of float, and in an ML program, which declares its arithmetic, none in float32."""
    reasons = _float_activations(inspection, gate, leftover)
    if inspection.format is Format.COREML:
        wide = [
            op.type
            for op in inspection.ops
            if op.type != "cast" and any(inspection.tensors[index].dtype == "float32" for index in op.outputs)
        ]
        reasons += [f"called fp16, but {len(wide)} operators compute in float32: {_counted(wide)}"] if wide else []
    return reasons


def _integer(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of int8: no leftover float operator, convolutions per channel, float inputs and outputs."""
    reasons = _integer_inside(inspection, gate, leftover) + _wide(inspection)
    return reasons + _float_ends(inspection)


def _float_ends(inspection: Inspection) -> list[str]:
    specs = (*inspection.signature.inputs, *inspection.signature.outputs)
    quantized = [spec.name for spec in specs if spec.quantized]
    return (
        [f"its inputs and outputs should be float, but these are quantized: {_names(quantized)}"] if quantized else []
    )


def _wide(inspection: Inspection) -> list[str]:
    """Activations of 16 bits in a file of 8."""
    wide = [tensor.name for tensor in inspection.tensors if tensor.scales and tensor.dtype in SIXTEEN_BITS]
    return [f"activations have 16 bits, not 8: {_names(wide)}"] if wide else []


def _integer_io(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of int8-io: as int8, and no float input or output."""
    reasons = _integer_inside(inspection, gate, leftover) + _wide(inspection)
    specs = (*inspection.signature.inputs, *inspection.signature.outputs)
    floats = [f"{spec.name} ({spec.dtype})" for spec in specs if "float" in spec.dtype]
    if floats:
        reasons.append(f"called int8-io, but these inputs or outputs are float: {_names(floats)}")
    elif not any(spec.quantized for spec in specs):
        reasons.append("called int8-io, but no input or output has a scale: its integers stand for nothing")
    return reasons


def _sixteen_bits(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    """Rules of int16x8: as int8, and no activation that is kept in 8 bits."""
    reasons = _integer_inside(inspection, gate, leftover) + _float_ends(inspection)
    computed = [tensor for tensor in inspection.tensors if not tensor.constant and tensor.scales]
    narrow = [tensor.name for tensor in computed if tensor.dtype in EIGHT_BITS]
    if narrow:
        reasons.append(
            f"called int16x8, but {len(narrow)} of {len(computed)} activations have 8 bits: {_names(narrow)}"
        )
    elif not any(tensor.dtype in SIXTEEN_BITS for tensor in computed):
        reasons.append("called int16x8, but no activation has 16 bits")
    return reasons


def _integer_inside(inspection: Inspection, gate: PrecisionGate, leftover: list[str]) -> list[str]:
    reasons = []
    if len(leftover) > gate.max_float_ops:
        reasons.append(
            f"{len(leftover)} of {len(inspection.ops)} operators still compute in float: {_counted(leftover)} "
            f"(allowed {gate.max_float_ops})"
        )
    coarse = per_tensor_convolutions(inspection)
    if coarse:
        reasons.append(f"convolution weights with one scale for all channels: {_names(coarse)}")
    return reasons


_RULES: Mapping[Precision, Callable[[Inspection, PrecisionGate, list[str]], list[str]]] = {
    Precision.FP32: _float_activations,
    Precision.FP16: _half_activations,
    Precision.INT8_WEIGHTS: _expanded,
    Precision.INT4_WEIGHTS: _expanded,
    Precision.PALETTIZED: _expanded,
    Precision.DYNAMIC: _run_time,
    Precision.INT8: _integer,
    Precision.INT8_IO: _integer_io,
    Precision.INT16X8: _sixteen_bits,
}


def _counted(types: list[str]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in Counter(types).most_common())


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(_short, names[:_LISTED])) + more


def _short(name: str) -> str:
    """The end of a name: exporters write the whole path of modules into it, and the end tells tensors apart."""
    return name if len(name) <= _LONGEST_NAME else f"...{name[-_LONGEST_NAME:]}"
