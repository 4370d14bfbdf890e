"""Whether the golden inputs can prove anything: enough, different, of every class, and driving all that is inside."""

from __future__ import annotations

import hashlib

import numpy as np

from converters.contract import Arrays, TensorSpec
from pipeline.checks.exercise import Exercise
from pipeline.checks.gates import CoverageGate
from pipeline.checks.outcome import Check, Metric, Outcome


def check_coverage(
    inputs: Arrays,
    labels: np.ndarray | None,
    classes: int | None,
    gate: CoverageGate,
    exercise: Exercise | None = None,
) -> Check:
    """The check `coverage`.

    Args:
        inputs: golden inputs, (n, *shape) by name.
        labels: (n,) integers; -1 where a sample has none; None where none has.
        classes: how many the model knows; None leaves classes out, as no labels do.
        gate: what is asked of the inputs.
        exercise: what they show of the reference; None where nobody looked into it.
    """
    counts = {len(values) for values in inputs.values()}
    count = max(counts, default=0)
    if count == 0 or len(counts) != 1:
        return Check("coverage", Outcome.FAILED, (f"golden inputs hold {sorted(counts)} samples",))
    distinct = _distinct(inputs, count)
    metrics: dict[str, Metric] = {"samples": count, "distinct_share": distinct / count}
    reasons = []
    if count < gate.min_samples:
        reasons.append(f"{count} golden samples, wanted {gate.min_samples}")
    if distinct < gate.min_distinct_share * count:
        reasons.append(f"only {distinct} of {count} golden samples differ from each other")
    if labels is not None and classes and (np.asarray(labels) >= 0).any():
        shown = len(np.unique(np.asarray(labels)[np.asarray(labels) >= 0]))
        metrics["classes_shown"] = shown
        if shown < gate.min_class_share * min(classes, count):
            reasons.append(f"the golden samples show {shown} of {classes} classes")
    if exercise is not None:
        metrics |= exercise.metrics()
        reasons += exercise.faults(gate)
    return Check("coverage", Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)


def _distinct(inputs: Arrays, count: int) -> int:
    """How many samples differ from every earlier one, over all inputs together."""
    rows = [np.ascontiguousarray(values).reshape(count, -1).view(np.uint8) for values in inputs.values()]
    return len(
        {hashlib.blake2b(b"".join(row[i].tobytes() for row in rows), digest_size=16).digest() for i in range(count)}
    )


def class_output(outputs: tuple[TensorSpec, ...]) -> str | None:
    """The name of the output that answers with a class: called logits, or the only one with a score a class."""
    named = [spec.name for spec in outputs if spec.meaning == "logits"]
    likely = [spec.name for spec in outputs if len(spec.shape) == 2 and np.dtype(spec.dtype).kind == "f"]
    found = named or (likely if len(outputs) == 1 else [])
    return found[0] if found else None
