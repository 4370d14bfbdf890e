"""What an artifact loses on labelled data against the reference, sample by sample."""

from __future__ import annotations

import math

import numpy as np

from pipeline.checks import paired
from pipeline.checks.gates import AccuracyGate
from pipeline.checks.metrics.accuracy import correct, predictions
from pipeline.checks.outcome import Check, Metric, Outcome

LISTED_FLIPS = 50
"""So many changed predictions are listed by index in the metrics; all are counted."""
MOST_SAMPLES = 1e8
"""More than anyone labels: no number to ask for."""


def check_accuracy(
    reference_logits: np.ndarray | None,
    got_logits: np.ndarray | None,
    targets: np.ndarray | None,
    gate: AccuracyGate,
) -> Check:
    """The check `accuracy`: top-1 on the same samples, reference against artifact.

    Args:
        reference_logits: the framework's eager fp32 scores, (n, ..., classes), one answer a sample.
        got_logits: the artifact's, of the same shape.
        targets: (n,) integer labels from 0; None where the data has none: NOT_RUN, and not required.
        gate: the allowed loss for the artifact's precision. FAILED: the whole interval of the drop lies beyond it.
            PASSED: the best estimate does not, and the interval reaches no farther than `margin_points` beyond it.
            UNDECIDED: anything between.
    """
    if targets is None or reference_logits is None or got_logits is None:
        reason = "no labelled data: give a data set with labels (--data) to have accuracy judged"
        return Check("accuracy", Outcome.NOT_RUN, (reason,), required=False)
    reference, got, targets = np.asarray(reference_logits), np.asarray(got_logits), np.asarray(targets)
    unfit = _unfit(reference, got, targets)
    if unfit:
        return Check("accuracy", Outcome.FAILED, (unfit,))

    was, now = correct(targets, reference), correct(targets, got, like=reference)
    before, after = predictions(reference), predictions(got, like=reference)
    metrics = _metrics(was, now, before != after, gate)
    wrong_labels = _labels_do_not_fit(was, before, targets, _classes(reference), gate)
    if wrong_labels:
        return Check("accuracy", Outcome.FAILED, (wrong_labels,), metrics)
    lost = _losses(metrics, gate)
    if lost:
        return Check("accuracy", Outcome.FAILED, lost, metrics)
    if len(targets) < gate.min_samples:
        reason = f"{metrics['power']}; the gate wants {gate.min_samples} samples"
        return Check("accuracy", Outcome.NOT_RUN, (reason,), metrics)
    open_question = _open_question(metrics, gate)
    if open_question:
        return Check("accuracy", Outcome.UNDECIDED, (open_question,), metrics)
    return Check("accuracy", Outcome.PASSED, (), metrics)


def flips(reference_logits: np.ndarray, got_logits: np.ndarray) -> np.ndarray:
    """Indices of the samples whose predicted class changed, (k,) int64, ascending."""
    changed = predictions(reference_logits) != predictions(got_logits, like=reference_logits)
    return np.flatnonzero(changed)


def _unfit(reference: np.ndarray, got: np.ndarray, targets: np.ndarray) -> str:
    """Why nothing can be compared; empty when it can."""
    if len(targets) == 0 or reference.size == 0:
        return "0 labelled samples: nothing compared proves nothing"
    if reference.shape != got.shape:
        return f"the artifact's scores are {got.shape}, the reference's {reference.shape}: not the same samples"
    if targets.shape != (len(reference),):
        return f"{len(reference)} samples, but labels of shape {targets.shape}"
    if targets.dtype.kind not in "iu":
        return f"labels do not fit: they are {targets.dtype}, not whole numbers"
    for side, values in (("the reference", reference), ("the artifact", got)):
        if not np.isfinite(values).all():
            bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
            return f"{side} gives NaN or Inf in {int(bad.sum())} of {len(values)} samples (first: {bad.argmax()})"
    classes = _classes(reference)
    if targets.min() < 0 or targets.max() >= classes:
        found = f"{targets.min()}..{targets.max()}"
        return f"labels do not fit: they are {found}, the model knows the classes 0..{classes - 1}"
    return ""


def _classes(scores: np.ndarray) -> int:
    return max(2, scores.reshape(len(scores), -1).shape[1])


def _labels_do_not_fit(
    was: np.ndarray, predicted: np.ndarray, targets: np.ndarray, classes: int, gate: AccuracyGate
) -> str:
    """Why these labels cannot be this model's: the reference agrees with them no more than by chance.

    Chance is that of Cohen's kappa: the agreement of the same predictions with the same labels in random order.
    """
    share = np.bincount(predicted, minlength=classes) / len(predicted)
    chance = float(share @ np.bincount(targets, minlength=classes) / len(targets))
    told = paired.binomial_tail(int(was.sum()), len(was), chance) <= gate.chance_p
    if told or (len(was) < gate.min_samples and was.mean() > chance):
        return ""
    said = f"labels do not fit: the reference is right on {was.mean():.1%}, by chance it would be on {chance:.1%}"
    for shift in (1, -1):
        shifted = float((predicted == targets + shift).mean())
        if shifted > 2 * max(float(was.mean()), chance):
            return f"{said}; with every label {shift:+d} it would be right on {shifted:.1%}: labels are shifted by one"
    return f"{said}; an untrained model, or other labels than it was trained on"


def _losses(metrics: dict[str, Metric], gate: AccuracyGate) -> tuple[str, ...]:
    """What the artifact lost beyond the gate, beyond doubt; one flip in fifteen is 7 points, and says nothing."""
    reasons = []
    if _number(metrics, "drop_points_low") > gate.max_drop_points:
        reasons.append(
            f"{_told(metrics, gate)}, McNemar p {metrics['mcnemar_p']:.2g}), allowed {gate.max_drop_points:g}"
        )
    flips, samples = int(_number(metrics, "flips")), int(_number(metrics, "samples"))
    few = samples < gate.min_samples and paired.binomial_tail(flips, samples, gate.max_flip_share) >= gate.chance_p
    if flips > max(gate.max_flip_share * samples, 1.0) and not few:
        share = _number(metrics, "flip_share")
        reasons.append(f"{share:.1%} of the predictions changed, allowed {gate.max_flip_share:.1%}")
    return tuple(reasons)


def _open_question(metrics: dict[str, Metric], gate: AccuracyGate) -> str:
    """Why these samples do not tell whether the gate is met; empty where they do.

    They do where the best estimate keeps the promise, and the interval excludes a loss well beyond it: a true loss of
    `max_drop_points + margin_points` passes in at most (1 - confidence) / 2 of trials.
    """
    drop, high = _number(metrics, "drop_points"), _number(metrics, "drop_points_high")
    limit = gate.max_drop_points + gate.margin_points
    if drop <= gate.max_drop_points + 1e-9 and high <= limit:
        return ""
    samples, needed = int(_number(metrics, "samples")), _would_tell(metrics, gate)
    ask = f"about {_rounded(needed)} would tell" if needed < MOST_SAMPLES else "it lies too near to the gate to tell"
    return (
        f"{_told(metrics, gate)}), allowed {gate.max_drop_points:g} and surely below {limit:g}: {samples:,} samples "
        f"do not tell, {ask}; give more labelled data, or a gate that this data can show"
    )


def _would_tell(metrics: dict[str, Metric], gate: AccuracyGate) -> float:
    """How many samples would tell, with the same shares lost and won."""
    samples, lost, won = (_number(metrics, name) for name in ("samples", "lost", "won"))
    kept = _number(metrics, "drop_points") <= gate.max_drop_points + 1e-9
    times = 1.0
    while times * samples < MOST_SAMPLES:
        low, high = paired.drop_interval(times * lost, times * won, times * samples, gate.confidence)
        if 100 * high <= gate.max_drop_points + gate.margin_points if kept else 100 * low > gate.max_drop_points:
            return times * samples
        times *= 1.1
    return MOST_SAMPLES


def _told(metrics: dict[str, Metric], gate: AccuracyGate) -> str:
    """The drop with its interval; the bracket is left open."""
    low, high = metrics["drop_points_low"], metrics["drop_points_high"]
    percent = f"{100 * gate.confidence:g} %"
    return f"accuracy drops by {metrics['drop_points']:.2f} points ({percent} interval {low:.2f} to {high:.2f}"


def _number(metrics: dict[str, Metric], name: str) -> float:
    value = metrics[name]
    assert isinstance(value, int | float)
    return float(value)


def _rounded(count: float) -> str:
    """Two digits of a number of samples, upwards."""
    step = 10.0 ** max(0, math.floor(math.log10(count)) - 1)
    return f"{math.ceil(count / step) * step:,.0f}"


def _metrics(was: np.ndarray, now: np.ndarray, changed: np.ndarray, gate: AccuracyGate) -> dict[str, Metric]:
    """Everything that is told of the comparison; accuracies as shares, drops in percentage points."""
    n, lost, won = len(was), int((was & ~now).sum()), int((~was & now).sum())
    low, high = paired.drop_interval(lost, won, n, gate.confidence)
    detectable = 100 * paired.detectable_drop(n, lost + won, confidence=gate.confidence)
    needed = paired.samples_needed(gate.max_drop_points / 100, (lost + won) / n, confidence=gate.confidence)
    power = (
        f"{n:,} samples, of which {lost + won} became right or wrong, show a drop of {detectable:.2g} points or more"
    )
    if needed < MOST_SAMPLES:
        power += f"; {gate.max_drop_points:g} needs {_rounded(needed)}"
    at = np.flatnonzero(changed)
    listed = " ".join(map(str, at[:LISTED_FLIPS])) + (" ..." if len(at) > LISTED_FLIPS else "")
    return {
        "samples": n,
        "accuracy_reference": float(was.mean()),
        "accuracy": float(now.mean()),
        "drop_points": 100.0 * (lost - won) / n,
        "drop_points_low": 100.0 * low,
        "drop_points_high": 100.0 * high,
        "mcnemar_p": paired.mcnemar_p(lost, won),
        "lost": lost,
        "won": won,
        "flips": len(at),
        "flip_share": len(at) / n,
        "flip_samples": listed,
        "detectable_drop_points": detectable,
        "power": power,
    }
