from __future__ import annotations

import pytest

from benchmarks import every
from pipeline.checks.outcome import Outcome


@pytest.mark.parametrize(
    ("seconds", "code", "outcome"),
    [
        (599.0, 0, Outcome.PASSED),
        (599.0, 1, Outcome.PASSED),
        (601.0, 0, Outcome.FAILED),
        (5.0, 2, Outcome.FAILED),
    ],
    ids=["in time", "a cell that a toolkit refuses", "too long", "ended without a report"],
)
def test_a_run_is_held_to_its_seconds(seconds: float, code: int, outcome: Outcome) -> None:
    assert every.figure(seconds, code).outcome is outcome


def test_cold_toolchains_are_not_counted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every.registry, "made", lambda name: name == "onnx2tf")
    (found,) = every.figures(None)  # type: ignore[arg-type]
    assert found.outcome is Outcome.NOT_RUN
    assert "`edge-export toolchains build onnx_tf` first" in found.detail
