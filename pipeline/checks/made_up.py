"""What parity on made-up inputs is worth where the layers of both models were held against each other and agree."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from converters.contract import Arrays, Precision, TensorSpec
from pipeline.checks.gates import ParityGate
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity

FOLLOWS_DB = 3.0
"""Signal to error, of outputs and of how they move, below which they say something else, on any inputs."""
WITHIN = 4.0
"""Times the error that a gate allows. Nets with random weights, in which every layer was right: up to 2 in 8 bits, to 3
in 4. A constant in the place of an output is beyond it."""


@dataclass(frozen=True)
class MadeUp:
    """What is known of a reference on inputs that were made up, as `conditioning.noise`.

    `rounding` is what moving the inputs by a rounding does, or other kernels; `rounded` what 8 bits of them do.
    """

    rounding: Mapping[str, float] = field(default_factory=dict)
    rounded: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """As text, keys in order."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> MadeUp:
        """Back from its text.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(**{key: {k: float(v) for k, v in said.items()} for key, said in json.loads(text).items()})
        except (TypeError, AttributeError) as error:
            raise ValueError(f"description of made-up inputs: {error}") from error


def left_open(
    check: Check,
    reference: Arrays,
    got: Arrays,
    outputs: tuple[TensorSpec, ...],
    gate: ParityGate,
    precision: Precision,
    at_limits: np.ndarray | None,
) -> Check:
    """The check of a run whose layers all passed, but UNDECIDED in the place of FAILED while the outputs still follow.

    It stays required: nobody knows what real inputs would say. Causes are told of the file no more, which is right.
    """
    if check.outcome is not Outcome.FAILED or precision is Precision.FP32:
        return check
    wide = _loosened(gate, math.inf, FOLLOWS_DB, FOLLOWS_DB)
    if check_parity(reference, got, outputs, wide, at_limits).outcome is not Outcome.PASSED:
        return check
    reasons = [reason for reason in check.reasons if "likely cause" not in reason]
    reasons.append(
        "every layer does what its precision does to the same values (see `drift`), and that is how far it moves this "
        "model's outputs on made-up inputs; real ones decide: give --data"
    )
    return dataclasses.replace(check, outcome=Outcome.UNDECIDED, reasons=tuple(reasons))


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
        return dataclasses.replace(check, required=check.outcome is not Outcome.UNDECIDED)
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
    return _loosened(gate, WITHIN * gate.max_rel_range, gate.min_snr_db - 20 * math.log10(WITHIN), -math.inf)


def _loosened(gate: ParityGate, most: float, least_db: float, least_moving_db: float) -> ParityGate:
    """The gate with these tolerances, and none for what made-up inputs tell nothing of: angles and classes."""
    return dataclasses.replace(
        gate,
        max_rel_range=most,
        min_snr_db=least_db,
        min_moving_snr_db=least_moving_db,
        min_cosine=-1.0,
        min_top1=0.0,
    )


def _near(want: np.ndarray, have: np.ndarray | None, gate: ParityGate) -> bool:
    """Whether an output of which the reference proves nothing says the same, as far as the gate allows."""
    if have is None or want.shape != have.shape or not want.size:
        return False
    if want.dtype.kind in "iub":
        return bool((want == have).mean() >= gate.min_top1)
    said = np.isfinite(want)
    if not np.array_equal(want[~said], have[~said], equal_nan=True):  # no number is an answer too: no pitch, masked
        return False
    apart = np.abs(want[said].astype(np.float64) - have[said].astype(np.float64))
    scale = max(float(np.abs(want[said]).max(initial=0.0)), 1.0)
    return bool(apart.max(initial=0.0) <= WITHIN * gate.max_rel_range * scale)
