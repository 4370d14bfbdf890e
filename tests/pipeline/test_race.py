from __future__ import annotations

import dataclasses

import pytest
import toy_workers
from gates import mini, timings
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Precision
from converters.device import Device
from converters.errors import ToolkitTimeout, UsageError
from converters.samples import load_samples
from pipeline import config, race

LIMITS = config.load().limits
GATE = mini.gates().latency


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(registry, "missing", lambda packages: ())


@pytest.fixture
def pair(tmp_path):
    for name in ("a.pt", "b.pt"):
        toy_workers.save(tmp_path / name, Precision.FP32)
    return tmp_path / "a.pt", tmp_path / "b.pt"


class Stopwatch(ToyWorkers):
    """Keeps what it was asked to time; a takes `effect` times as long as b."""

    def __init__(self, effect=1.0, fault=lambda name, arguments: None):
        super().__init__(fault)
        self.effect = effect

    def call(self, worker, target, timeout_s, on_progress=None, **arguments):
        if target.endswith("time_round"):
            self.worker, self.pairing = worker, arguments["pairing"]
            self.inputs = load_samples(self.pairing.samples, "input/")
        return super().call(worker, target, timeout_s, on_progress, **arguments)

    def _rehearse(self, **arguments):
        self.machine = timings.Machine(0, self.effect)
        return timings.PLAN


def run(pair, workers, inputs="random", runtimes=("", ""), budget_s=10.0):
    return race.race(*pair, inputs, runtimes, budget_s, 3, GATE, workers, LIMITS)


def test_a_slower_first_file_is_called_slower_with_a_ratio_above_one(pair):
    check = run(pair, Stopwatch(1.5))
    assert check.metrics["decision"] == "slower"
    assert check.metrics["ratio"] == pytest.approx(1.5, rel=0.1)
    assert run(pair, Stopwatch(1 / 1.5)).metrics["decision"] == "faster"


def test_the_sides_are_not_exchanged_and_run_in_one_process_of_their_own(pair):
    workers = Stopwatch()
    run(pair, workers)
    assert (workers.pairing.artifact_a.path, workers.pairing.artifact_b.path) == pair
    assert workers.worker == race.WORKER
    assert workers.worker not in {spec.worker for spec in registry.runtimes()}
    assert workers.pairing.threads == 3


def test_it_ends_as_soon_as_the_interval_decides(pair):
    workers = Stopwatch(1.5)
    run(pair, workers, budget_s=500.0)
    assert workers.calls.count("time_round") == GATE.min_rounds


def test_the_budget_ends_what_does_not_decide(pair):
    workers = Stopwatch()
    check = run(pair, workers, budget_s=1e-9)
    assert workers.calls.count("time_round") == check.metrics["rounds"] == GATE.min_rounds


def test_both_sides_get_inputs_under_their_own_names(pair):
    workers = Stopwatch()
    run(pair, workers)
    assert workers.inputs["image"].shape == (64, 1, 12, 20, 3)


def test_a_timeout_is_an_error_of_the_command(pair):
    hanging = Stopwatch(fault=lambda name, arguments: ToolkitTimeout("too slow") if name == "time_round" else None)
    with pytest.raises(ToolkitTimeout, match="too slow"):
        run(pair, hanging)


def test_a_runtime_that_does_not_open_the_file_is_refused_before_any_timing(pair):
    workers = Stopwatch()
    with pytest.raises(UsageError, match="'onnxruntime' does not run torchscript files"):
        run(pair, workers, runtimes=("", "onnxruntime"))
    assert "time_round" not in workers.calls


def on(name, worker, **device):
    return dataclasses.replace(registry.runtime("torchscript"), name=name, worker=worker, device=Device(name, **device))


def test_a_device_and_this_cpu_take_turns_in_the_process_of_the_device(pair, monkeypatch):
    device = on("script-gpu[Real]", "gpu[Real]")
    plain = registry.runtime("torchscript")
    monkeypatch.setattr(race, "default_runtime", lambda artifact, name: device if name else plain)
    workers = Stopwatch()
    run(pair, workers, runtimes=("", "script-gpu[Real]"))
    assert workers.worker == "gpu[Real]"


@pytest.mark.parametrize(
    ("a", "b", "match"),
    [
        (on("gpu[A]", "a"), on("gpu[B]", "b"), r"gpu\[A\] and gpu\[B\] run in two processes"),
        (on("gpu[A]", "a", emulated=True), on("gpu[A]", "a", emulated=True), r"gpu\[A\] is emulated: its seconds say"),
    ],
)
def test_what_cannot_be_timed_is_told_why(pair, monkeypatch, a, b, match):
    sides = iter((a, b))
    monkeypatch.setattr(race, "default_runtime", lambda artifact, name: next(sides))
    with pytest.raises(UsageError, match=match):
        run(pair, Stopwatch())
