"""Whether an artifact computes what the framework computes, on the golden inputs, output by output."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from converters.contract import Arrays, TensorSpec
from pipeline.checks import causes, conditioning
from pipeline.checks.gates import ParityGate
from pipeline.checks.metrics.agreement import agreement
from pipeline.checks.metrics.cosine import cosine
from pipeline.checks.metrics.max_abs import max_abs
from pipeline.checks.metrics.max_rel_range import max_rel_range
from pipeline.checks.metrics.moving_snr_db import moving_snr_db
from pipeline.checks.metrics.snr_db import snr_db
from pipeline.checks.metrics.top1_agreement import top1_agreement_within
from pipeline.checks.outcome import Check, Metric, Outcome

_NOTHING = 1e-15
"""An output that stays below this is 0 to every runtime that flushes small numbers, or computes in float16."""


def parity_beside(
    reference: Arrays,
    got: Arrays,
    outputs: tuple[TensorSpec, ...],
    gate: ParityGate,
    known: conditioning.Noise,
    at_limits: np.ndarray | None = None,
) -> Check:
    """`check_parity`, allowing for what a rounding of the inputs does to the reference itself; it says so."""
    check = check_parity(reference, got, outputs, conditioning.eased(gate, known), at_limits)
    said = conditioning.told(gate, known)
    return replace(check, reasons=(*check.reasons, said)) if said else check


def spared(
    check: Check,
    reference: Arrays,
    got: Arrays,
    outputs: tuple[TensorSpec, ...],
    gate: ParityGate,
    known: conditioning.Noise,
    at_limits: np.ndarray | None = None,
) -> Check:
    """The check, but UNDECIDED in the place of FAILED where rounding that nobody can avoid misses the gate by itself.

    And only while the artifact is no further off than `conditioning.AGAIN` times that: what is beyond, is not a number
    or has another shape stays FAILED.
    """
    if check.outcome is not Outcome.FAILED or not conditioning.loses(gate, known):
        return check
    within = check_parity(reference, got, outputs, conditioning.beyond(gate, known), at_limits)
    if within.outcome is not Outcome.PASSED:
        return check
    reason = (
        "nobody can tell on these inputs: once they are rounded as they must be, the model itself misses the gate "
        f"({known.get('max_rel_range', 0.0):.3g} of its range, {known.get('snr_db', np.inf):.4g} dB); give real ones"
    )
    return replace(check, outcome=Outcome.UNDECIDED, reasons=(*check.reasons, reason))


@dataclass(frozen=True)
class _Verdict:
    """What one output came to."""

    reasons: tuple[str, ...]
    metrics: dict[str, Metric]


def check_parity(
    reference: Arrays,
    got: Arrays,
    outputs: tuple[TensorSpec, ...],
    gate: ParityGate,
    at_limits: np.ndarray | None = None,
) -> Check:
    """The check `parity`: every output by name, every sample against the gate.

    Args:
        reference: the framework's eager fp32 outputs, (n, *spec.shape) by name.
        got: the artifact's, in the source model's layout and as real numbers.
        outputs: the source model's outputs; nothing else may be there.
        gate: the tolerances of the artifact's precision.
        at_limits: (n,) bool, true for inputs made up at the limits, which the gate may leave out of the tolerances;
            NaN, Inf and shapes are judged on all.
    """
    reasons = _structure(reference, got, outputs, gate)
    if reasons:
        return Check("parity", Outcome.FAILED, tuple(reasons))
    reference = {spec.name: np.asarray(reference[spec.name]) for spec in outputs}
    got = {spec.name: np.asarray(got[spec.name]) for spec in outputs}
    real = np.ones(len(reference[outputs[0].name]), dtype=bool) if at_limits is None else ~np.asarray(at_limits, bool)
    if not gate.at_limits:
        reference, got = ({name: values[real] for name, values in side.items()} for side in (reference, got))
        real = real[real]
    count = len(real)
    if count < gate.min_samples:
        return Check("parity", Outcome.FAILED, (f"{count} samples compared; the gate wants {gate.min_samples}",))

    verdicts = {spec.name: _judge(spec, reference[spec.name], got[spec.name], gate) for spec in outputs}
    if gate.min_samples <= real.sum() < count:
        for spec in outputs:
            pair = reference[spec.name][real], got[spec.name][real]
            verdicts[spec.name] = _by_real(spec, *pair, gate, verdicts[spec.name])
    failed = [name for name, verdict in verdicts.items() if verdict.reasons]
    said = [f"output `{name}`: {reason}" for name in failed for reason in verdicts[name].reasons]
    if failed:
        said = [*causes.exchanged(reference, got, gate.max_rel_range), *said]
    outcome = Outcome.FAILED if failed else Outcome.PASSED
    return Check("parity", outcome, tuple(said), _combined(verdicts, count))


def _structure(reference: Arrays, got: Arrays, outputs: tuple[TensorSpec, ...], gate: ParityGate) -> list[str]:
    """Everything that fails before any tolerance."""
    names = [spec.name for spec in outputs]
    if not names:
        return ["the model has no outputs: nothing compared proves nothing"]
    reasons = [f"the reference has no output `{name}`" for name in names if name not in reference]
    missing = [name for name in names if name not in got]
    extra = [name for name in got if name not in names]
    if missing:
        reasons.append(f"missing output {_list(missing)}; the artifact gives {_list(list(got)) or 'nothing'}")
    if extra:
        reasons.append(f"unexpected output {_list(extra)}; the model has {_list(names)}")
    if reasons:
        return reasons
    for spec in outputs:
        want, have = np.asarray(reference[spec.name]), np.asarray(got[spec.name])
        reasons += [f"output `{spec.name}`: {reason}" for reason in _unfit(spec, want, have)]
    if not reasons:
        counts = {len(np.asarray(reference[name])) for name in names}
        if counts == {0}:
            reasons.append("0 samples: nothing compared proves nothing")
        elif len(counts) > 1:
            reasons.append(f"the outputs hold unequal numbers of samples: {sorted(counts)}")
    elif not any("NaN" in reason for reason in reasons):
        reasons = [*causes.exchanged(reference, got, gate.max_rel_range), *reasons]
    return reasons


def _unfit(spec: TensorSpec, want: np.ndarray, have: np.ndarray) -> list[str]:
    """What of one output is not comparable at all."""
    fits = want.ndim == len(spec.shape) + 1 and all(
        size in (None, found) for size, found in zip(spec.shape, want.shape[1:], strict=True)
    )
    if not fits:
        return [f"the reference is {want.shape}, which is not (samples, *{spec.shape})"]
    reasons = []
    if have.shape != want.shape:
        reasons.append(f"wrong shape {have.shape}, the reference is {want.shape}")
    if _kind(have) != _kind(want):
        reasons.append(f"wrong kind of number {have.dtype}, the reference is {want.dtype}")
    if 0 in want.shape[1:]:
        reasons.append("the reference has no elements: nothing compared proves nothing")
    for side, values in (("the reference", want), ("the artifact", have)):
        if values.dtype.kind in "fc" and not np.isfinite(values).all():
            bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
            reasons.append(
                f"{side} gives NaN or Inf in {int(bad.sum())} of {len(values)} samples (first: {bad.argmax()})"
            )
    return reasons


def _judge(spec: TensorSpec, reference: np.ndarray, got: np.ndarray, gate: ParityGate) -> _Verdict:
    """One output of fitting shape and finite values against the tolerances."""
    reasons = _unproved(reference, gate)
    if reference.dtype.kind in "iub":
        share = agreement(reference, got)
        if share.mean() < gate.min_top1:
            reasons.append(f"only {share.mean():.2%} of the values equal the reference's, wanted {gate.min_top1:.2%}")
        return _Verdict(tuple(reasons), {"agreement": float(share.mean()), "worst_sample": int(share.argmin())})

    relative = max_rel_range(reference, got)
    angle = cosine(reference, got)[_loud(reference, gate)]
    worst = max_rel_range.worst(relative)
    sample_snr = snr_db(reference, got)
    metrics: dict[str, Metric] = {
        "max_abs": float(max_abs(reference, got).max()),
        "max_rel_range": float(relative.max()),
        "snr_db": snr_db.over_all(reference, got),
        "snr_db_worst": float(sample_snr.min()),
        "moving_snr_db": float(moving_snr_db(reference, got)[0]),
        "cosine_worst": float(angle.min()),
        "worst_sample": worst,
    }
    wanted = [
        ("max_rel_range", float(relative.max()), "<=", gate.max_rel_range),
        ("snr_db", metrics["snr_db"], ">=", gate.min_snr_db),
        ("moving_snr_db", metrics["moving_snr_db"], ">=", gate.min_moving_snr_db),
        ("cosine_worst", metrics["cosine_worst"], ">=", gate.min_cosine),
    ]
    if _has_classes(spec, reference):
        tie = 2.0 * gate.max_rel_range * float(np.ptp(reference)) if gate.min_top1 >= 1 else 0.0
        agree = top1_agreement_within(tie)(reference, got)
        metrics["top1_agreement"] = float(agree.mean())
        wanted.append(("top1_agreement", metrics["top1_agreement"], ">=", gate.min_top1))
    broken = [
        f"{name} {value:.4g}, wanted {sign} {bound:g}"
        for name, value, sign, bound in wanted
        if not (value <= bound if sign == "<=" else value >= bound)  # type: ignore[operator]
    ]
    if broken:
        reasons.append("; ".join(broken) + f" (worst sample {worst})")
        reasons += causes.likely(reference, got, gate.max_rel_range)
    return _Verdict(tuple(reasons), metrics)


def _by_real(spec: TensorSpec, reference: np.ndarray, got: np.ndarray, gate: ParityGate, verdict: _Verdict) -> _Verdict:
    """The verdict, or that on real inputs where only it fails: made-up ones widen the range that errors are told by."""
    if verdict.reasons or _unproved(reference, gate):
        return verdict
    alone = _judge(spec, reference, got, gate)
    return _Verdict(tuple(f"on real inputs alone: {reason}" for reason in alone.reasons), verdict.metrics)


def _loud(reference: np.ndarray, gate: ParityGate) -> np.ndarray:
    """The samples whose angle tells something, (n,) bool; the loudest is always among them.

    Left out are those so near to zero that twice the noise which `min_snr_db` allows turns them beyond `min_cosine`:
    a score of 0.01 that 8 bits make 0 has a cosine of 0 and is no fault. `max_rel_range` bounds them as any other.
    """
    norms = np.linalg.norm(reference.reshape(len(reference), -1).astype(np.float64), axis=1)
    noise = 10 ** (-gate.min_snr_db / 20) * np.sqrt(np.square(norms).mean())
    turned = np.sqrt(max(1.0 - gate.min_cosine**2, 1e-12)) / max(gate.min_cosine, 1e-12)
    return norms >= min(2.0 * noise / turned, norms.max())


def _unproved(reference: np.ndarray, gate: ParityGate) -> list[str]:
    """Why equality with this reference would prove nothing."""
    if len(reference) == 1:
        return ["one sample proves nothing: whether the output follows its input cannot be seen"]
    if (reference == reference[:1]).all():
        return [
            f"the reference is the same for all {len(reference)} samples: agreeing with it proves nothing; give inputs "
            "on which it moves (--data), or leave an output that is constant by design out of the model"
        ]
    if reference.dtype.kind in "iub":
        return []
    greatest = float(np.abs(reference).max())
    if greatest < _NOTHING:
        return [f"the reference never leaves 0 by more than {greatest:.2g}: it is saturated and proves nothing"]
    at_edge = float(((reference == reference.min()) | (reference == reference.max())).mean())
    if at_edge > gate.max_edge_share:
        return [f"the reference is saturated, {at_edge:.1%} of its values are its least or greatest: it proves nothing"]
    return []


def _combined(verdicts: dict[str, _Verdict], count: int) -> dict[str, Metric]:
    """The worst of each metric over the outputs, then each output's own where there are several."""
    combined: dict[str, Metric] = {"samples": count}
    for verdict in verdicts.values():
        for name, value in verdict.metrics.items():
            if name != "worst_sample" and value is not None:
                pick = max if name.startswith("max") else min
                combined[name] = pick(combined.get(name, value), value)  # type: ignore[type-var]
    first = max(verdicts.values(), key=lambda verdict: verdict.metrics.get("max_rel_range", 0.0) or 0.0)
    combined["worst_sample"] = first.metrics["worst_sample"]
    if len(verdicts) > 1:
        combined |= {
            f"{output}.{name}": v for output, verdict in verdicts.items() for name, v in verdict.metrics.items()
        }
    return combined


def _has_classes(spec: TensorSpec, values: np.ndarray) -> bool:
    """Whether the largest value along the last axis is an answer."""
    single = values.reshape(len(values), -1).shape[1] == values.shape[-1]
    return values.shape[-1] > 1 and single and (spec.meaning == "logits" or len(spec.shape) == 2)


def _kind(values: np.ndarray) -> str:
    return {"u": "i"}.get(values.dtype.kind, values.dtype.kind)


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
