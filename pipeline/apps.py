"""An app's own report on a bundle, laid beside what this side found: both must say the same of the same numbers."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from converters.contract import RuntimeSpec
from pipeline.checks.outcome import Cell, Check, Metric, Outcome
from pipeline.report import json_report
from pipeline.report.document import Report

_RELATIVE, _ABSOLUTE = 1e-6, 1e-9
"""How far a metric of the app may be from this side's: sums are taken in other orders, of the same float64 values."""
PICTURES = "pictures"


def report(spec: RuntimeSpec, bundle: Path) -> Report:
    """The app's report on a bundle, a folder or a .zip, read by the rules of any report.

    Raises:
        ModelError: the app refuses the bundle, or its report is none of ours.
    """
    module, _, name = spec.app.partition(":")
    document: dict[str, Any] = getattr(importlib.import_module(module), name)(bundle, spec)
    return json_report.from_json(document, f"the report of {spec.name}")


def beside(told: Report | None, artifact: str, checks: Sequence[Check]) -> list[Check]:
    """The checks `pictures` and `app` of one artifact's cell; none where no app was asked.

    Args:
        told: the app's report.
        artifact: the file in question.
        checks: what this side found of it in the same runtime.
    """
    if told is None:
        return []
    rows = [cell for cell in told.cells if cell.artifact == artifact]
    if not rows:
        return [Check("app", Outcome.FAILED, (f"the app's report has no row for {artifact}",))]
    pictures = [check for check in rows[0].checks if check.name == PICTURES]
    return [*pictures, _agreement(rows, next(check for check in checks if check.name == "parity"))]


def _agreement(rows: Sequence[Cell], ours: Check) -> Check:
    """The check `app`: whether the app's verdict on parity is this side's, and its numbers too."""
    theirs = {row.runtime: check for row in rows for check in row.checks if check.name == ours.name}
    reasons = [] if theirs else [f"the app did not judge {ours.name}"]
    for runtime, check in theirs.items():
        if check.outcome is not ours.outcome:
            said = "; ".join(check.reasons) or "nothing more"
            reasons.append(f"{runtime} says {check.outcome} of parity ({said}), this side {ours.outcome}")
            continue
        far = [name for name in {*check.metrics, *ours.metrics} if not _same(check.metrics, ours.metrics, name)]
        reasons += [
            f"{runtime} says {name} is {check.metrics.get(name)}, this side {ours.metrics.get(name)}"
            for name in sorted(far)
        ]
    compared = sum(len(check.metrics) for check in theirs.values())
    metrics: dict[str, Metric] = {"rows": len(theirs), "metrics_compared": compared}
    return Check("app", Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)


def _same(one: Mapping[str, Metric], other: Mapping[str, Metric], name: str) -> bool:
    a, b = one.get(name), other.get(name)
    if isinstance(a, bool | str | None) or isinstance(b, bool | str | None):
        return name in one and name in other and a == b
    return math.isclose(a, b, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
