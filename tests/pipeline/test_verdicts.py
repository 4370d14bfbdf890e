from __future__ import annotations

import pytest
import toy_workers
from toy_workers import Quiet, ToyWorkers

from converters.errors import ToolkitCrash
from pipeline.checks.outcome import Outcome
from pipeline.driver import Driver
from pipeline.verdicts import judge

DEAR = ("drift", "time")


@pytest.fixture
def done(tmp_path):
    return toy_workers.finish(toy_workers.request(tmp_path / "p"), tmp_path / "ws")


def judged(done, results):
    driver = Driver(done.store, ToyWorkers(), Quiet())
    (cell,) = judge(done.plan, done.plan.cells, results, driver, done.gates)
    return {check.name: check for check in cell.checks}


def test_what_was_not_done_yet_is_not_asked_for_and_passes_nothing_in_its_place(done):
    cheap = {name: result for name, result in done.results.items() if not name.startswith(DEAR)}
    checks = judged(done, cheap)
    assert checks["parity"].outcome is Outcome.PASSED
    assert [checks[name].outcome for name in ("drift", "latency")] == [Outcome.NOT_RUN, Outcome.NOT_RUN]
    whole = judged(done, done.results)
    assert whole["latency"].outcome is Outcome.PASSED
    assert whole["parity"] == checks["parity"]


def test_a_step_that_failed_is_a_verdict(done, tmp_path):
    def died(name, arguments):
        return ToolkitCrash("died") if name == "run_samples" and "_fp32" in str(arguments) else None

    wanted = toy_workers.request(tmp_path / "p")
    failed = toy_workers.finish(wanted, tmp_path / "other", ToyWorkers(died))
    (cell,) = failed.cells
    assert cell.outcome is Outcome.CRASHED
