"""What parity on made-up inputs is worth where the layers of both models were held against each other and agree."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from converters.contract import Arrays, Precision, TensorSpec
from pipeline.checks.gates import ParityGate
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity

WITHIN = 4.0
"""Times the error that a gate allows. Nets with random weights, in which every layer was right: up to 2 in 8 bits, to 3
in 4. A constant in the place of an output is beyond it."""


def left_to_layers(
    check: Check,
    reference: Arrays,
    got: Arrays,
    outputs: tuple[TensorSpec, ...],
    gate: ParityGate,
    precision: Precision,
) -> Check:
    """The check, but UNDECIDED and not required in the place of FAILED where made-up inputs alone may be why it failed.

    Gates are for inputs that a model was made for: others hardly move its outputs, or lie where it turns a rounding
    into a digit. Of a `precision` of few bits what is no number, of another shape or beyond `WITHIN` times the gate is
    still FAILED; of float32 all that is off where the reference moves.
    """
    if check.outcome is not Outcome.FAILED:
        return check
    silent = [spec for spec in outputs if _outcome(reference, reference, spec, gate) is not Outcome.PASSED]
    fits = all(
        _near(reference[spec.name], got.get(spec.name), gate)
        if spec in silent
        else _outcome(reference, got, spec, gate if precision is Precision.FP32 else _widened(gate)) is Outcome.PASSED
        for spec in outputs
    )
    if not fits or got.keys() - {spec.name for spec in outputs}:
        return check
    reason = "made-up inputs do not tell, give real ones (--inputs FILE); the layers decide: see `drift`"
    return dataclasses.replace(check, outcome=Outcome.UNDECIDED, reasons=(*check.reasons, reason), required=False)


def _outcome(reference: Arrays, got: Arrays, spec: TensorSpec, gate: ParityGate) -> Outcome:
    name = spec.name
    held = {name: got[name]} if name in got else {}
    return check_parity({name: reference[name]}, held, (spec,), gate).outcome


def _widened(gate: ParityGate) -> ParityGate:
    return dataclasses.replace(
        gate,
        max_rel_range=WITHIN * gate.max_rel_range,
        min_snr_db=gate.min_snr_db - 20 * math.log10(WITHIN),
        min_moving_snr_db=-math.inf,
        min_cosine=-1.0,
        min_top1=0.0,
    )


def _near(want: np.ndarray, have: np.ndarray | None, gate: ParityGate) -> bool:
    """Whether an output of which the reference proves nothing says the same, as far as the gate allows."""
    if have is None or want.shape != have.shape or not want.size:
        return False
    apart = np.abs(want.astype(np.float64) - have.astype(np.float64))
    if want.dtype.kind in "iub":
        return bool((apart == 0).mean() >= gate.min_top1)
    return bool(apart.max() <= WITHIN * gate.max_rel_range * max(float(np.abs(want).max()), 1.0))
