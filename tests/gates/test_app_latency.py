"""Kotlin and Python call the same times faster, slower, equal or neither."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.android import jvm
from converters.contract import Precision
from converters.disturbance import Disturbance
from converters.timing import PairTimings
from pipeline.checks.latency import check_latency

from .mini import gates

COMPARED = (
    *("latency_ms_p50", "latency_ms_p90", "baseline_ms_p50", "ratio", "ratio_low", "ratio_high", "decision", "says"),
    *("control", "control_ratio", "control_low", "control_high", "confidence", "rounds", "pairs"),
)
QUIET = Disturbance(elapsed_s=1.0)


def timings(ratio: float, noise: float, rounds: int, control: float = 1.0, seed: int = 0) -> PairTimings:
    rng = np.random.default_rng(seed)
    b = 1e-3 * np.exp(noise * rng.normal(size=(rounds, 6)))
    a = ratio * 1e-3 * np.exp(noise * rng.normal(size=(rounds, 6)))
    same = control * 1e-3 * np.exp(noise * rng.normal(size=(rounds, 6)))
    p90 = [float(np.quantile(side, 0.9)) for side in (a, b)]
    return PairTimings(a, b, same, *p90, calls=4, warm_up=5, threads=1, elapsed_s=12.0, disturbance=QUIET)


CASES = {
    **{f"ratio {r} noise {n} rounds {k}": timings(r, n, k)
       for r in (0.5, 0.95, 0.99, 1.0, 1.01, 1.3) for n in (1e-4, 0.01, 0.2) for k in (3, 8, 11, 30)},
    "the machine makes differences": timings(0.5, 0.01, 16, control=1.4),
    "other chance": timings(1.02, 0.05, 41, seed=9),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(app_program: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("timings")
    content = {"schema_version": 1, "precisions": [p.value for p in Precision], "gates": gates().to_json()}
    cases = {
        name: {"a": t.a_s.tolist(), "b": t.b_s.tolist(), "control": t.control_s.tolist(), "elapsed_s": t.elapsed_s}
        for name, t in CASES.items()
    }
    (folder / "cases.json").write_text(json.dumps({"gates": content, "cases": cases}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(jvm.VARIABLE, str(app_program))
        jvm.ask("compare", folder / "cases.json", 60.0, out=folder / "out.json")
    answer: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return answer


def test_the_statistics_are_the_same(told: dict[str, Any]) -> None:
    far = []
    for name, case in CASES.items():
        ours = check_latency(case, gates().latency).metrics
        for metric in COMPARED:
            a, b = ours[metric], told[name][metric]
            near = math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) and isinstance(b, float | int) else a == b
            if not near:
                far.append(f"{name}: {metric} is {a} in Python and {b} in Kotlin")
    assert not far, "\n".join(far[:30])
    assert {row["decision"] for row in told.values()} == {"faster", "slower", "equal", "cannot tell"}


def test_the_bootstrap_is_the_same_but_for_its_chance(told: dict[str, Any]) -> None:
    """Another generator draws other rounds: the ends of 300 draws move by a fifth of the interval at most."""
    far = []
    for name, case in CASES.items():
        ours = check_latency(case, gates().latency).metrics
        (low, high), (a, b) = (
            [math.log(row[f"bootstrap_{end}"]) for end in ("low", "high")] for row in (ours, told[name])
        )
        if max(abs(low - a), abs(high - b)) > 0.4 * (high - low):
            far.append(f"{name}: {low:.4g} to {high:.4g} in Python, {a:.4g} to {b:.4g} in Kotlin")
    assert not far, "\n".join(far)
