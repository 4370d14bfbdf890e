from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import toy_workers
from gates import timings
from toy_workers import Quiet, ToyWorkers

from converters import registry
from converters.contract import Edge, Format, Precision
from converters.errors import ToolkitCrash, ToolkitError, UnsupportedError
from pipeline import choosing
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.choosing import opening, prove
from pipeline.configs import load_configs
from pipeline.driver import Driver
from pipeline.plan import make_plan
from pipeline.publish import publish
from pipeline.store import Store

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


def started(folder, fault=lambda name, arguments: None, routes=(), workers=None):
    """A plan, what `opening` gave, and the workers that go on."""
    wanted = dataclasses.replace(toy_workers.request(folder / "p"), routes=routes)
    return Started(wanted, folder / "ws", workers or Paced(fault))


class Started:
    """A run up to where routes are chosen."""

    def __init__(self, wanted, workspace, workers):
        configs, self.gates = load_configs(None, None)
        self.limits, self.workers = configs.limits, workers
        self.plan = make_plan(wanted, configs)
        self.store = Store(workspace)
        self.driver = Driver(self.store, workers, Quiet())
        self.results = self.driver.run(opening(self.plan))

    def shipped(self):
        """What is taken."""
        return prove(self.plan, self.results, self.driver, self.gates, self.limits)


def parts(shipped):
    """The plan, the cells and the choices."""
    return shipped.plan, shipped.cells, shipped.choices


def test_the_faster_of_two_routes_is_shipped_with_its_figures(tmp_path):
    plan, cells, (choice,) = parts(started(tmp_path).shipped())
    assert [cell.route for cell in cells] == ["onnx"]
    assert [planned.route.name for planned in plan.cells] == ["onnx"]
    assert (choice.route, choice.fastest, choice.runtime) == ("onnx", "onnx", "onnxruntime")
    (other,) = [one for one in choice.candidates if one.route == "twin"]
    assert other.ratio == pytest.approx(SLOW, rel=0.05)
    assert other.artifact == "net_torch_twin_fp32.onnx"


def test_only_what_would_be_taken_is_proved_and_timed_beside_its_own_fp32_file(tmp_path):
    run = started(tmp_path)
    assert not [name for name in run.results if name.startswith(("drift", "time"))]
    shipped = run.shipped()
    proved = {name for name in shipped.results if name.startswith(("drift", "time"))}
    assert proved == {"drift net_torch_onnx_fp32", "time net_torch_onnx_fp32@onnxruntime"}
    (choice,) = shipped.choices
    other = next(one for one in choice.candidates if one.route == "twin")
    assert other.outcome is Outcome.NOT_RUN, "its layers were never looked at"
    assert re.fullmatch(r"slower than onnx by .*%; not proved any further", other.says)
    assert choice.reason == "the fastest on onnxruntime of 2 whose outputs pass, and it passes every gate"


def test_where_the_fastest_fails_its_proof_the_next_one_is_proved_and_taken(tmp_path, monkeypatch):
    run = started(tmp_path)
    whole = run.driver.run

    def failing(tasks, *known):
        found = whole(tasks, *known)
        for name, result in found.items():
            if name == "drift net_torch_onnx_fp32":
                found[name] = dataclasses.replace(result, entry=None, error=ToolkitError("a layer is another"))
        return found

    monkeypatch.setattr(run.driver, "run", failing)
    shipped = run.shipped()
    _, cells, (choice,) = parts(shipped)
    assert [(cell.route, cell.outcome) for cell in cells] == [("twin", Outcome.PASSED)]
    timed = [name for name in shipped.results if name.startswith("time")]
    assert timed == ["time net_torch_twin_fp32@onnxruntime"], "what the layers refute is not timed"
    assert choice.reason == "the only one of 2 routes that passes every gate"
    (rejected,) = [one for one in choice.candidates if one.route == "onnx"]
    assert rejected.says.startswith("rejected, FAILED: drift: ")
    assert "a layer is another" in rejected.says


def test_where_none_passes_the_file_that_is_shown_is_proved_for_the_layer_to_be_named(tmp_path):
    died = ToolkitCrash("died")
    run = started(
        tmp_path, lambda name, arguments: died if name == "run_samples" and "_fp32" in str(arguments) else None
    )
    shipped = run.shipped()
    (choice,) = shipped.choices
    assert choice.reason == "none of 2 routes passes every gate; this one is the least bad"
    assert [name for name in shipped.results if name.startswith("drift")] == [f"drift net_torch_{choice.route}_fp32"]


def test_of_files_that_miss_the_gate_on_made_up_inputs_the_next_is_proved_until_one_is_left_open(tmp_path, monkeypatch):
    seen = []

    def verdicts(plan, cells, results, driver, gates):
        found = []
        for cell in cells:
            proved = cell.drift.name in results
            seen.append((cell.route.name, proved))
            open_ = proved and cell.route.name == "twin"
            outcome = Outcome.UNDECIDED if open_ else Outcome.FAILED
            checks = (Check("parity", outcome, ("12 dB",)),)
            found.append(Cell("net", "torch", cell.route.name, "int8", "onnxruntime", "onnx", cell.file, checks))
        return found

    run = started(tmp_path)
    cells = tuple(replace_precision(cell) for cell in run.plan.cells)
    run.plan = dataclasses.replace(run.plan, cells=cells)
    monkeypatch.setattr(choosing, "judge", verdicts)
    _, taken, (choice,) = parts(run.shipped())
    assert [cell.route for cell in taken] == ["twin"]
    assert seen[:4] == [("onnx", False), ("twin", False), ("onnx", True), ("twin", True)]
    assert {one.route: one.outcome for one in choice.candidates} == {
        "onnx": Outcome.FAILED,
        "twin": Outcome.UNDECIDED,
    }


def replace_precision(cell):
    """The cell as one of int8: what its file holds is not asked here."""
    return dataclasses.replace(cell, route=dataclasses.replace(cell.route, precision=Precision.INT8))


def test_a_conversion_that_failed_is_not_tried_again_for_its_proof(tmp_path):
    refused = UnsupportedError("no such operator")
    run = started(tmp_path, lambda name, arguments: refused if name == "convert" else None)
    before = run.workers.calls.count("convert")
    run.shipped()
    assert run.workers.calls.count("convert") == before


def test_a_race_is_kept_and_not_run_again(tmp_path):
    first = started(tmp_path)
    choices = first.shipped().choices
    assert "time_round" in first.workers.calls
    again = started(tmp_path, workers=Paced())
    assert again.shipped().choices == choices
    assert again.workers.calls == []


def test_a_route_that_was_rejected_is_not_timed_and_not_shipped(tmp_path):
    def fault(name, arguments):
        return ToolkitCrash("died") if name == "run_samples" and "_onnx_" in str(arguments["artifact"].path) else None

    run = started(tmp_path, fault)
    shipped = run.shipped()
    plan, cells, (choice,) = parts(shipped)
    assert [cell.route for cell in cells] == ["twin"]
    assert not [name for name in shipped.results if name.startswith("race")]
    (rejected,) = [one for one in choice.candidates if one.route == "onnx"]
    assert rejected.outcome is Outcome.CRASHED
    assert rejected.says.startswith("rejected, CRASHED: parity: died")
    arguments = (run.store, tmp_path / "dist", "run", (choice,))
    folder, report, _ = publish(plan, run.gates, cells, shipped.results, *arguments)
    assert not list(Path(folder).glob("*_onnx_*"))
    assert report.outcome is Outcome.PASSED
    assert report.choices == (choice,)


def test_all_routes_are_shipped_where_that_is_asked_for(tmp_path):
    plan, cells, choices = parts(started(tmp_path, routes=("all",)).shipped())
    assert {cell.route for cell in cells} >= {"onnx", "twin"}
    assert len(plan.cells) == len(cells)
    assert choices == ()


def test_another_choice_is_another_bundle(tmp_path):
    run = started(tmp_path)
    shipped = run.shipped()
    plan, cells, choices = parts(shipped)
    arguments = (shipped.results, run.store, tmp_path / "dist", "run")
    assert publish(plan, run.gates, cells, *arguments, choices)[2]
    assert not publish(plan, run.gates, cells, *arguments, choices)[2]
    other = dataclasses.replace(choices[0], reason="because")
    assert publish(plan, run.gates, cells, *arguments, (other,))[2]
