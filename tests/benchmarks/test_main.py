from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as bench
from benchmarks import android, fresh, truth
from benchmarks.bench import measure
from benchmarks.figure import Figure
from benchmarks.workshop import ROOT, Workshop
from converters.errors import ToolkitCrash
from pipeline.checks.outcome import Outcome


def group(value):
    return lambda workshop: iter([Figure("made-up", "a figure", value, 1.0, "x")])


@pytest.fixture
def groups(monkeypatch):
    """Made-up groups in the place of the real ones."""
    monkeypatch.setattr(bench, "GROUPS", {"good": group(0.5), "bad": group(1.5), "fresh": group(0.1)})


@pytest.mark.parametrize(("only", "code"), [("good", 0), ("bad", 1)])
def test_the_exit_code_says_whether_a_goal_was_missed(groups, only, code, capsys):
    assert bench.main(["--only", only]) == code
    out = capsys.readouterr().out
    assert "<= 1 x" in out
    assert ("FAIL" in out) is bool(code)
    assert "load " in out.splitlines()[0]


def test_without_fresh_its_lines_say_what_would_run_them(groups, capsys):
    assert bench.main([]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("NOT_RUN")]
    assert len(lines) == len(fresh.STEPS)
    assert all('make bench ARGS="--fresh"' in line for line in lines)


def test_json_is_one_document_and_nothing_else(groups, capsys):
    assert bench.main(["--only", "good", "--only", "bad", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert [row["outcome"] for row in document["figures"]] == ["PASSED", "FAILED"]
    assert len(document["load_average"]) == 2


def test_a_name_that_does_not_exist_is_refused_with_those_that_do(capsys):
    with pytest.raises(SystemExit) as end:
        bench.main(["--only", "speed"])
    assert end.value.code == 2
    assert "'help', 'export', 'parity'" in capsys.readouterr().err


def test_no_trials_are_refused(capsys):
    with pytest.raises(SystemExit) as end:
        bench.main(["--trials", "0"])
    assert end.value.code == 2
    assert "nothing measured proves nothing" in capsys.readouterr().err


def test_a_group_that_breaks_is_a_failed_figure_and_the_next_is_measured(capsys):
    def broken(workshop):
        raise ToolkitCrash("the process died")
        yield

    figures = list(measure(["broken", "good"], None, {"broken": broken, "good": group(0.5)}))
    assert [figure.outcome for figure in figures] == [Outcome.FAILED, Outcome.PASSED]
    assert "ToolkitCrash: the process died" in figures[0].detail


def test_every_group_is_explained():
    text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `") and "only" not in line}
    assert rows == {*bench.GROUPS, *truth.GROUPS, *android.GROUPS}


def test_help_is_measured_on_the_real_command(tmp_path):
    workshop = Workshop(tmp_path, tmp_path / "workspace")
    (figure,) = bench.GROUPS["help"](workshop)
    assert 0.01 < figure.value < 30
