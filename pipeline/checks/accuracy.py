"""What an artifact loses on labelled data against the reference, sample by sample."""

from __future__ import annotations

import numpy as np

from pipeline.checks import paired
from pipeline.checks.gates import AccuracyGate
from pipeline.checks.metrics.accuracy import correct, predictions
from pipeline.checks.outcome import Check, Metric, Outcome

LISTED_FLIPS = 50
"""So many changed predictions are listed by index in the metrics; all are counted."""


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
        gate: the allowed loss for the artifact's precision.
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
    metrics = _metrics(was, now, before != after)
    wrong_labels = _labels_do_not_fit(was, before, targets, _classes(reference), gate)
    if wrong_labels:
        return Check("accuracy", Outcome.FAILED, (wrong_labels,), metrics)
    few = len(targets) < gate.min_samples
    reasons = _sure_losses(metrics, gate) if few else _losses(metrics, gate)
    if reasons:
        return Check("accuracy", Outcome.FAILED, tuple(reasons), metrics)
    if few:
        reason = (
            f"{len(targets)} labelled samples show a drop of {metrics['detectable_drop_points']:.1f} points at best; "
            f"the gate wants {gate.min_samples} samples"
        )
        return Check("accuracy", Outcome.NOT_RUN, (reason,), metrics)
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


def _losses(metrics: dict[str, Metric], gate: AccuracyGate) -> list[str]:
    """What the artifact lost beyond the gate."""
    drop, share = metrics["drop_points"], metrics["flip_share"]
    assert isinstance(drop, float)
    assert isinstance(share, float)
    reasons = []
    if drop > gate.max_drop_points + 1e-9:
        reasons.append(
            f"accuracy drops by {drop:.2f} points (95 % interval {metrics['drop_points_low']:.2f} to "
            f"{metrics['drop_points_high']:.2f}, McNemar p {metrics['mcnemar_p']:.2g}), "
            f"allowed {gate.max_drop_points:g}"
        )
    allowed = max(gate.max_flip_share * int(metrics["samples"] or 0), 1.0)
    if int(metrics["flips"] or 0) > allowed:
        reasons.append(f"{share:.1%} of the predictions changed, allowed {gate.max_flip_share:.1%}")
    return reasons


def _sure_losses(metrics: dict[str, Metric], gate: AccuracyGate) -> list[str]:
    """What few samples show beyond doubt: one flip in fifteen is 7 points, and says nothing."""
    low, flips, samples = (metrics[name] for name in ("drop_points_low", "flips", "samples"))
    assert isinstance(low, float)
    assert isinstance(flips, int)
    assert isinstance(samples, int)
    sure = low > gate.max_drop_points or paired.binomial_tail(flips, samples, gate.max_flip_share) < gate.chance_p
    return _losses(metrics, gate) if sure else []


def _metrics(was: np.ndarray, now: np.ndarray, changed: np.ndarray) -> dict[str, Metric]:
    """Everything that is told of the comparison; accuracies as shares, drops in percentage points."""
    n, lost, won = len(was), int((was & ~now).sum()), int((~was & now).sum())
    low, high = paired.drop_interval(lost, won, n)
    detectable = 100 * paired.detectable_drop(n, lost + won)
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
        "power": f"{n} samples with {lost + won} right-or-wrong changes show a true drop of {detectable:.2f} points "
        "in 80 % of trials",
    }
