"""Whether an artifact that hands its state on computes what the framework computes when its own state goes back in.

A state that is a little off is within the tolerance of one call, and what it does adds up over the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from converters.contract import Arrays, TensorSpec
from converters.errors import EdgeExportError
from pipeline.checks import conditioning
from pipeline.checks.gates import ParityGate
from pipeline.checks.metrics.max_rel_range import max_rel_range
from pipeline.checks.outcome import Check, Metric, Outcome
from pipeline.checks.parity import check_parity, parity_beside, spared


@dataclass(frozen=True)
class Fed:
    """A model fed with its own state: outputs (n, *shape) of sequences of `steps` calls one after the other.

    `rounding` is what rounding does to the reference's sequences (`conditioning.noise`): a nudge of the inputs, or, for
    an artifact that computes in 8 bits, those of every input and of the state.
    """

    right: Arrays
    got: Arrays | EdgeExportError
    carried: dict[str, str]
    steps: int
    rounding: conditioning.Noise


def check_sequence(fed: Fed, outputs: tuple[TensorSpec, ...], gate: ParityGate) -> Check:
    """The check `sequence`: parity, by the same gate, of all calls of the sequences; and how the error grows in them.

    UNDECIDED where the reference's own sequences prove nothing, or come apart by a rounding as far as the artifact's.
    """
    assert not isinstance(fed.got, EdgeExportError)
    pairs = ", ".join(f"{output} -> {name}" for output, name in fed.carried.items())
    metrics: dict[str, Metric] = {"state": pairs, "steps": fed.steps, **_growth(fed, outputs)}
    silent = check_parity(fed.right, fed.right, outputs, gate)
    if silent.outcome is not Outcome.PASSED:
        said = f"fed back from zeros ({pairs}), these inputs prove nothing of sequences: "
        return Check("sequence", Outcome.UNDECIDED, tuple(said + reason for reason in silent.reasons), metrics)
    found = parity_beside(fed.right, fed.got, outputs, gate, fed.rounding)
    found = spared(found, fed.right, fed.got, outputs, gate, fed.rounding)
    metrics |= {name: value for name, value in found.metrics.items() if name in _TOLD}
    fed_back = () if found.outcome is Outcome.PASSED else (f"its own state went back in ({pairs}), {fed.steps} calls",)
    return replace(found, name="sequence", reasons=(*found.reasons, *fed_back), metrics=metrics)


_TOLD = ("samples", "max_abs", "max_rel_range", "snr_db", "moving_snr_db", "cosine_worst")


def _growth(fed: Fed, outputs: tuple[TensorSpec, ...]) -> dict[str, Metric]:
    """The error of the first and of the last call of the sequences, of the worst output's range, and their ratio.

    None where the first has no error.
    """
    assert not isinstance(fed.got, EdgeExportError)
    first = last = 0.0
    for spec in outputs:
        right, got = np.asarray(fed.right[spec.name]), np.asarray(fed.got.get(spec.name, ()))
        if right.dtype.kind != "f" or right.shape != got.shape or not np.isfinite(got).all():
            continue
        error = max_rel_range(right, got)
        step = np.arange(len(error)) % fed.steps
        first = max(first, float(error[step == 0].max()))
        last = max(last, float(error[step == step.max()].max()))
    return {"first_rel_range": first, "last_rel_range": last, "growth": last / first if first else None}
