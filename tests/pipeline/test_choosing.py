from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import toy_workers
from gates import timings
from toy_workers import Quiet, ToyWorkers

from converters import registry
from converters.contract import Edge, Format, Precision
from converters.errors import ToolkitCrash
from pipeline.checks.outcome import Outcome
from pipeline.choosing import choose_routes
from pipeline.driver import Driver
from pipeline.publish import publish

SLOW = 1.3


@pytest.fixture(autouse=True)
def two_routes(monkeypatch):
    """A second way from PyTorch to ONNX."""
    twin = Edge("onnx_by_twin", "twin", "m", Format.TORCH, Format.ONNX, (Precision.FP32,), "w", ())
    edges = registry.edges()
    monkeypatch.setattr(registry, "edges", lambda: (*edges, twin))


class Paced(ToyWorkers):
    """The twin's file takes SLOW times as long as ours."""

    def _rehearse(self, pairing, **arguments):
        pace = [SLOW if "twin" in one.route else 1.0 for one in (pairing.artifact_a, pairing.artifact_b)]
        self.machine = timings.Machine(0, pace[0] / pace[1], "quiet")
        return timings.PLAN


def finished(folder, fault=lambda name, arguments: None, routes=(), workers=None):
    wanted = dataclasses.replace(toy_workers.request(folder / "p"), routes=routes)
    return toy_workers.finish(wanted, folder / "ws", workers or Paced(fault))


def chosen(done, workers=None):
    driver = Driver(done.store, workers or Paced(), Quiet())
    return choose_routes(done.plan, done.cells, done.results, driver, done.gates.latency, done.configs.limits)


def test_the_faster_of_two_routes_is_shipped_with_its_figures(tmp_path):
    plan, cells, (choice,) = chosen(finished(tmp_path))
    assert [cell.route for cell in cells] == ["onnx"]
    assert [planned.route.name for planned in plan.cells] == ["onnx"]
    assert (choice.route, choice.fastest, choice.runtime) == ("onnx", "onnx", "onnxruntime")
    (other,) = [one for one in choice.candidates if one.route == "twin"]
    assert other.ratio == pytest.approx(SLOW, rel=0.05)
    assert other.artifact == "net_torch_twin_fp32.onnx"


def test_a_race_is_kept_and_not_run_again(tmp_path):
    done, workers = finished(tmp_path), Paced()
    first = chosen(done, workers)
    assert "time_round" in workers.calls
    again = Paced()
    assert chosen(done, again) == first
    assert again.calls == []


def test_a_route_that_was_rejected_is_not_timed_and_not_shipped(tmp_path):
    def fault(name, arguments):
        return ToolkitCrash("died") if name == "run_samples" and "_onnx_" in str(arguments["artifact"].path) else None

    done, workers = finished(tmp_path, fault), Paced()
    plan, cells, (choice,) = chosen(done, workers)
    assert [cell.route for cell in cells] == ["twin"]
    assert workers.calls == []
    (rejected,) = [one for one in choice.candidates if one.route == "onnx"]
    assert rejected.outcome is Outcome.CRASHED
    assert rejected.says.startswith("rejected, CRASHED: parity: died")
    folder, report, _ = publish(plan, done.gates, cells, done.results, done.store, tmp_path / "dist", "run", (choice,))
    assert not list(Path(folder).glob("*_onnx_*"))
    assert report.outcome is Outcome.PASSED
    assert report.choices == (choice,)


def test_all_routes_are_shipped_where_that_is_asked_for(tmp_path):
    plan, cells, choices = chosen(finished(tmp_path, routes=("all",)))
    assert {cell.route for cell in cells} >= {"onnx", "twin"}
    assert len(plan.cells) == len(cells)
    assert choices == ()


def test_another_choice_is_another_bundle(tmp_path):
    done = finished(tmp_path)
    plan, cells, choices = chosen(done)
    arguments = (done.results, done.store, tmp_path / "dist", "run")
    assert publish(plan, done.gates, cells, *arguments, choices)[2]
    assert not publish(plan, done.gates, cells, *arguments, choices)[2]
    other = dataclasses.replace(choices[0], reason="because")
    assert publish(plan, done.gates, cells, *arguments, (other,))[2]
