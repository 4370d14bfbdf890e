"""The checks of one cell, from everything that was measured of it. The only place where a cell is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from converters.contract import EXPANDED, Arrays, Precision, TensorSpec
from converters.device import split_name
from converters.errors import EdgeExportError
from converters.inspection import Inspection
from converters.timing import PairTimings
from pipeline.checks.accuracy import check_accuracy
from pipeline.checks.coverage import check_coverage, class_output
from pipeline.checks.drift.check import check_drift
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.exercise import Exercise
from pipeline.checks.gates import ALONE, Gates, KernelsGate, ParityGate
from pipeline.checks.kernels import check_kernels, half_between
from pipeline.checks.latency import check_latency
from pipeline.checks.made_up import MadeUp, left_open
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import parity_beside, spared
from pipeline.checks.placement import check_placement
from pipeline.checks.precision import check_precision
from pipeline.checks.requirements import check_requirements
from pipeline.checks.sequence import Fed, check_sequence
from pipeline.checks.size import TURNS, check_size
from pipeline.checks.unmade import blocked, failed
from pipeline.checks.weights import wide_bytes

_Tolerance = TypeVar("_Tolerance", ParityGate, KernelsGate)

CHECKS = ("coverage", "parity", "drift", "accuracy", "precision", "requirements", "size", "placement", "latency")
"""Every question asked of a cell whose artifact was made, in the order of the report.

A cell on anything but the home runtime of its target is asked `kernels` as well, after `parity`, and one of a model
that gives out the state which it takes in, `sequence`. `drift` is asked of the file, once, and stands in each of its
cells.
"""
IN_8_BITS = (Precision.DYNAMIC, Precision.INT8, Precision.INT8_IO)
"""Precisions whose files round what goes into them to 8 bits."""
_WITHOUT_KERNELS = {("xnnpack", Precision.INT16X8)}
"""Devices that have no kernels for a precision: nothing is promised there, and it is told where the operators run."""


@dataclass(frozen=True)
class Golden:
    """The golden pack as the checks see it: inputs and the reference's outputs (n, *shape), labels, limits (n,).

    `exercise` is what the inputs show inside the reference; `made_up` what is known of it where nobody gave them.
    """

    inputs: Arrays
    outputs: Arrays
    label: np.ndarray
    at_limits: np.ndarray
    exercise: Exercise | None = None
    made_up: MadeUp | None = None


@dataclass(frozen=True)
class Labelled:
    """The test split: the reference's outputs (n, *shape) by name and labels (n,)."""

    outputs: Arrays
    targets: np.ndarray | None


@dataclass(frozen=True)
class Home:
    """The same file on the home runtime of its target: outputs on the golden inputs, or why there are none."""

    runtime: str
    golden: Arrays | EdgeExportError


@dataclass(frozen=True)
class Evidence:
    """What was measured of one cell. Where a step failed, its error stands in the place of its result.

    `on_device`: the runtime is none of this machine's CPU, and its parity is held to no more than its `kernels` gate.
    `alone`: the reference is the same file on other kernels, which differ from one another as kernels do.
    `arithmetic` is what the runtime computes a float32 file in, where that is not float32. `timed` is false of one that
    only proves files. `emulated` names a device whose seconds say nothing; it is not asked for accuracy either.
    `kept` names what operators give out that the recipe left in float.
    `odd_constants`: the source model's own constants hold Inf or NaN, as masks do, and its outputs do not.
    `fed`: sequences of calls in which the state goes back in.
    `drift` is the file against its origin, layer by layer, `origin` that origin against the framework's own model.
    """

    precision: Precision
    runtime: str
    outputs: tuple[TensorSpec, ...]  # the source model's
    golden: Golden
    golden_got: Arrays | EdgeExportError
    inspection: Inspection | EdgeExportError
    size_bytes: int
    fp32_bytes: int | None = None  # of the same route
    parameters: int | None = None  # of the source model
    labelled: Labelled | None = None
    labelled_got: Arrays | EdgeExportError | None = None
    placement: Sequence[tuple[str, str]] | EdgeExportError = ()
    timings: PairTimings | EdgeExportError | None = None
    home: Home | None = None
    on_device: bool = False
    alone: bool = False
    arithmetic: str = ""
    emulated: str = ""
    timed: bool = True
    drift: Drift | EdgeExportError | None = None
    origin: Drift | EdgeExportError | None = None
    kept: tuple[str, ...] = ()
    odd_constants: bool = False
    fed: Fed | EdgeExportError | None = None

    @property
    def gate(self) -> Precision:
        """The precision whose tolerances hold: the file's, or that of the arithmetic where it is coarser."""
        order = list(Precision)
        return max((self.precision, Precision(self.arithmetic or Precision.FP32)), key=order.index)


def judge(evidence: Evidence, gates: Gates) -> tuple[Check, ...]:
    """The verdict on a cell: one check for each of `CHECKS`, in that order."""
    return (
        _coverage(evidence, gates),
        _parity(evidence, gates),
        *_sequence(evidence, gates),
        *_kernels(evidence, gates),
        check_drift(evidence.drift, evidence.origin),
        _accuracy(evidence, gates),
        _precision(evidence, gates),
        _requirements(evidence, gates),
        _size(evidence, gates),
        _placement(evidence, gates),
        _latency(evidence, gates),
    )


def judge_unmade(step: str, error: EdgeExportError) -> tuple[Check, ...]:
    """The verdict on a cell whose artifact was never made: the failed step by its own name, all else BLOCKED.

    What is blocked does not colour the cell: an UNSUPPORTED conversion stays UNSUPPORTED.
    """
    return (failed(step, error), *blocked(CHECKS, step))


def _coverage(evidence: Evidence, gates: Gates) -> Check:
    golden = evidence.golden
    name = class_output(evidence.outputs)
    classes = golden.outputs[name].shape[-1] if name in golden.outputs else None
    real = ~np.asarray(golden.at_limits, dtype=bool)
    inputs = {name: values[real] for name, values in golden.inputs.items()}
    return check_coverage(inputs, golden.label[real], classes, gates.coverage, golden.exercise)


def _parity(evidence: Evidence, gates: Gates) -> Check:
    if isinstance(evidence.golden_got, EdgeExportError):
        return failed("parity", evidence.golden_got)
    gate, golden = _parity_gate(evidence, gates), evidence.golden
    outputs = golden.outputs, evidence.golden_got, evidence.outputs
    made_up = golden.made_up
    held = made_up.rounding if made_up and evidence.gate is Precision.FP32 else {}
    check = parity_beside(*outputs, gate, held, golden.at_limits)
    if made_up and (held or evidence.precision in IN_8_BITS):
        check = spared(check, *outputs, gate, held or made_up.rounded, golden.at_limits)
    return _left_open(check, *outputs[:2], evidence, gate, golden.at_limits)


def _left_open(
    check: Check, reference: Arrays, got: Arrays, evidence: Evidence, gate: ParityGate, at_limits: np.ndarray | None
) -> Check:
    """UNDECIDED in the place of FAILED where nobody gave inputs, and the layers say that the file is the model."""
    if evidence.golden.made_up is None or evidence.on_device:
        return check
    alike = check_drift(evidence.drift, evidence.origin).outcome is Outcome.PASSED
    return left_open(check, reference, got, evidence.outputs, gate, evidence.gate, at_limits) if alike else check


def _parity_gate(evidence: Evidence, gates: Gates) -> ParityGate:
    gate = gates.parity[evidence.gate]
    device = gates.kernels.get(ALONE if evidence.alone else split_name(evidence.runtime)[0])
    if device and (evidence.on_device or evidence.alone):
        return replace(_widened(gate, device), min_moving_snr_db=min(gate.min_moving_snr_db, device.min_snr_db))
    return gate


def _sequence(evidence: Evidence, gates: Gates) -> tuple[Check, ...]:
    """The check `sequence`, where the model gives out the state that it takes in."""
    if evidence.fed is None:
        return ()
    if isinstance(evidence.golden_got, EdgeExportError):
        return blocked(("sequence",), "parity")
    if isinstance(evidence.fed, EdgeExportError):
        return (failed("sequence", evidence.fed),)
    gate, fed = _parity_gate(evidence, gates), evidence.fed
    check = check_sequence(fed, evidence.outputs, gate)
    assert not isinstance(fed.got, EdgeExportError)
    return (_left_open(check, fed.right, fed.got, evidence, gate, None),)


def _widened(gate: _Tolerance, by: ParityGate | KernelsGate) -> _Tolerance:
    """The gate with the wider of both tolerances of a float output."""
    return replace(
        gate,
        max_rel_range=max(gate.max_rel_range, by.max_rel_range),
        min_snr_db=min(gate.min_snr_db, by.min_snr_db),
    )


def _kernels(evidence: Evidence, gates: Gates) -> tuple[Check, ...]:
    """The check `kernels`, where the cell has a home runtime other than its own."""
    home = evidence.home
    gate = gates.kernels.get(split_name(evidence.runtime)[0])
    if home is None or gate is None:
        return ()
    if isinstance(evidence.golden_got, EdgeExportError):
        return blocked(("kernels",), "parity")
    if isinstance(home.golden, EdgeExportError):
        reason = f"{home.runtime} does not run this file, so that there is nothing to lay beside: {home.golden}"
        return (Check("kernels", Outcome.NOT_RUN, (reason,), required=False),)
    half = evidence.arithmetic and evidence.precision in (Precision.FP32, *EXPANDED)
    if half or evidence.precision is Precision.DYNAMIC or half_between(evidence.inspection):  # each rounds in its way
        gate = _widened(gate, gates.parity[Precision(evidence.arithmetic) if half else evidence.gate])
    return (check_kernels(home.golden, evidence.golden_got, home.runtime, gate),)


def _accuracy(evidence: Evidence, gates: Gates) -> Check:
    gate, labelled = gates.accuracy[evidence.gate], evidence.labelled
    if evidence.emulated and labelled is not None:
        reason = f"not asked of {evidence.emulated}: see the cell of the home runtime, which `kernels` compares with"
        return Check("accuracy", Outcome.NOT_RUN, (reason,), required=False)
    if labelled is None or labelled.targets is None:
        return check_accuracy(None, None, None, gate)
    if isinstance(evidence.labelled_got, EdgeExportError):
        return _told_by_parity(evidence, "accuracy", evidence.labelled_got) or failed("accuracy", evidence.labelled_got)
    name = class_output(evidence.outputs)
    if name is None:
        reason = "no output is known to hold one score a class; call one `logits` to have accuracy judged"
        return Check("accuracy", Outcome.NOT_RUN, (reason,), required=False)
    if evidence.labelled_got is None or name not in evidence.labelled_got:
        return Check("accuracy", Outcome.FAILED, (f"the artifact gave no output `{name}` on the test split",))
    return check_accuracy(labelled.outputs[name], evidence.labelled_got[name], labelled.targets, gate)


def _told_by_parity(evidence: Evidence, name: str, error: EdgeExportError) -> Check | None:
    """BLOCKED where the same error stands under `parity` already: one failure is told once."""
    same = isinstance(evidence.golden_got, EdgeExportError) and str(evidence.golden_got) == str(error)
    return blocked((name,), "parity")[0] if same else None


def _precision(evidence: Evidence, gates: Gates) -> Check:
    if isinstance(evidence.inspection, EdgeExportError):
        return failed("precision", evidence.inspection)
    gate, weightless = gates.precision[evidence.precision], evidence.parameters == 0
    kept, odd = evidence.kept, evidence.odd_constants
    return check_precision(evidence.inspection, evidence.precision, gate, weightless=weightless, kept=kept, odd=odd)


def _requirements(evidence: Evidence, gates: Gates) -> Check:
    if isinstance(evidence.inspection, EdgeExportError):
        return blocked(("requirements",), "precision")[0]
    return check_requirements(evidence.inspection, gates.requirements.get(evidence.inspection.format))


def _size(evidence: Evidence, gates: Gates) -> Check:
    read = evidence.inspection if isinstance(evidence.inspection, Inspection) else None
    scales = sum(tensor.scales for tensor in read.tensors if tensor.scales > 1) if read else 0
    turns = sum(op.type in TURNS for op in read.ops) if read else 0
    gate, least = gates.size[evidence.precision], gates.precision[evidence.precision].small_elements
    wide = wide_bytes(read, evidence.precision, least, gate.max_ratio, evidence.kept) if read else 0
    return check_size(evidence.size_bytes, evidence.fp32_bytes, evidence.parameters, gate, wide, scales, turns)


def _placement(evidence: Evidence, gates: Gates) -> Check:
    gate = gates.placement.get(split_name(evidence.runtime)[0])
    if isinstance(evidence.placement, EdgeExportError):
        told = _told_by_parity(evidence, "placement", evidence.placement)
        return told or failed("placement", evidence.placement, required=gate is not None)
    if gate is not None and (gate.device, evidence.precision) in _WITHOUT_KERNELS:
        gate = None
    return check_placement(evidence.placement, gate)


def _latency(evidence: Evidence, gates: Gates) -> Check:
    judged = gates.latency.max_ratio > 0
    if evidence.emulated or not evidence.timed:
        it = f"{evidence.emulated} stands in for hardware" if evidence.emulated else f"{evidence.runtime} proves files"
        reason = f"{it}: its seconds say nothing of a device, and are not judged"
        return Check("latency", Outcome.NOT_RUN, (reason,), required=False)
    if isinstance(evidence.timings, EdgeExportError):
        return failed("latency", evidence.timings, required=judged)
    if evidence.timings is None:
        reason = f"no baseline was timed beside this artifact in {evidence.runtime}"
        return Check("latency", Outcome.NOT_RUN, (reason,), required=judged)
    return check_latency(evidence.timings, gates.latency)
