"""What a worker does with a model whose own state goes back in: sequences of calls."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from converters import registry
from converters.carry import STEPS, Carried, Ranges, run_carried
from converters.contract import Arrays, Artifact
from converters.opening import guarded, open_session
from converters.samples import load_samples
from converters.session import Session


def run_sequences(
    runtime: str,
    artifact: Artifact,
    samples: Path,
    carried: Carried,
    prefix: str = "",
    ranges: Ranges | None = None,
    shake: float = 0.0,
    budget_s: float = math.inf,
) -> Arrays:
    """The outputs of sequences of calls, stacked, as `carry.run_carried`, for stacked inputs in a file.

    Of those that would take longer than `budget_s` only the first sequences are run, one at least.
    """
    inputs = load_samples(samples, prefix)
    session = open_session(runtime, artifact)
    return guarded(
        registry.runtime(runtime), lambda: _run(session, inputs, carried, budget_s, ranges=ranges, shake=shake)
    )


def _run(session: Session, inputs: Arrays, carried: Carried, budget_s: float, **how: Any) -> Arrays:
    count, start = len(next(iter(inputs.values()))), time.perf_counter()
    first = run_carried(session, {name: values[:STEPS] for name, values in inputs.items()}, carried, **how)
    fit = budget_s / max(time.perf_counter() - start, 1e-9)
    last = count if fit * STEPS >= count else max(int(fit), 1) * STEPS
    if last <= STEPS:
        return first
    rest = {name: values[STEPS:last] for name, values in inputs.items()}
    more = run_carried(session, rest, carried, **how)
    return {name: np.concatenate([values, more[name]]) for name, values in first.items()}
