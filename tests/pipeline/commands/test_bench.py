from __future__ import annotations

import contextlib
import json

import pytest
import toy_workers
from gates import mini, timings
from toy_workers import ToyWorkers
from typer.testing import CliRunner

from converters import registry
from pipeline import config, lone
from pipeline.cli import app


@pytest.fixture
def effect(monkeypatch):
    """How much longer the first file takes, [1.0] at first."""
    effect = [1.0]

    class Workers(ToyWorkers):
        def _rehearse(self, **arguments):
            self.machine = timings.Machine(0, effect[0], "quiet")
            return timings.PLAN

    @contextlib.contextmanager
    def toolbox():
        yield Workers(), config.load().limits

    monkeypatch.setattr(lone, "toolbox", toolbox)
    monkeypatch.setattr(registry, "missing", lambda packages: ())
    return effect


@pytest.fixture
def files(tmp_path, effect):
    """Two files that compute the same."""
    for name in ("right.pt", "same.pt"):
        toy_workers.store(tmp_path / name, mini.parameters())
    return tmp_path / "right.pt", tmp_path / "same.pt"


def cli(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_the_decision_and_what_it_rests_on(files):
    ended = cli(*files, "--json")
    assert ended.exit_code == 0
    document = json.loads(ended.stdout)
    assert document["outcome"] == "PASSED"
    assert document["decision"] == document["metrics"]["decision"] == document["metrics"]["control"] == "equal"
    assert document["metrics"]["latency_ms_p50"] > 0
    said = cli(*files).stdout
    assert said.startswith("right.pt (a) against same.pt (b): equal within 2 %\n")
    for part in ("ms a call (median)", "b against itself, equal", "noise    none seen"):
        assert part in said


def test_a_slow_file_fails_only_where_that_is_asked(files, effect):
    effect[0] = 1.1
    ended = cli(*files)
    assert ended.exit_code == 0
    assert "right.pt (a) against same.pt (b): slower by " in ended.stdout
    limited = cli(*files, "--fail-if-slower", "5")
    assert limited.exit_code == 1
    assert "FAILED  takes 1.09" in limited.stdout
    assert cli(*files, "--fail-if-slower", "20").exit_code == 0


def test_a_limit_that_cannot_be_told_is_no_pass(files, effect):
    effect[0] = 1.05
    ended = cli(*files, "--fail-if-slower", "5", "--budget", "0.2")
    assert ended.exit_code == 1
    assert "UNDECIDED  takes 1.0" in ended.stdout


@pytest.mark.parametrize(
    "wrong", [("--budget", "0"), ("--threads", "0"), ("--budget", "much"), ("--fail-if-slower", "-1")]
)
def test_it_refuses_to_measure_nothing(files, wrong):
    assert cli(*files, *wrong).exit_code == 2
