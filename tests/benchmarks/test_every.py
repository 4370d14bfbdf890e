from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from benchmarks import every
from benchmarks.workshop import Workshop
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


def test_what_another_figure_has_done_is_done_again_and_training_is_left_out(monkeypatch, tmp_path) -> None:
    commands: list[list[str]] = []

    def started(arguments: list[str], folder: Path, **_: object) -> tuple[float, CompletedProcess[str]]:
        commands.append(arguments)
        return 100.0 * len(commands), CompletedProcess(arguments, 0)

    monkeypatch.setattr(every.registry, "made", lambda name: True)
    monkeypatch.setattr(every, "started", started)
    (found,) = every.figures(Workshop(tmp_path, tmp_path / "workspace"))
    train, run = commands
    assert "train" in train
    assert run[run.index("--force") + 1].split(",") == ["reference", "calibrate", "convert", "validate", "drift"]
    assert found.value == 200.0
