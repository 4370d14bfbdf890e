"""`make bench-truth` shows each figure beside its goal, and ends with 1 where one was missed."""

from __future__ import annotations

import json

import pytest

from benchmarks import truth
from benchmarks.figure import Figure
from converters.errors import ToolkitError


def good(workshop):
    yield Figure("good", "faults that drift misses", 0.0, 0.0, "%")


def bad(workshop):
    yield Figure("bad", "honest files taken for faulty", 2.0, 0.0, "")


def broken(workshop):
    raise ToolkitError("it broke")
    yield


@pytest.fixture(autouse=True)
def _groups(monkeypatch):
    monkeypatch.setattr(truth, "GROUPS", {"good": good, "bad": bad, "broken": broken})


@pytest.mark.parametrize(("only", "code"), [(["good"], 0), (["good", "bad"], 1), (["broken"], 1)])
def test_the_exit_code_says_whether_a_goal_was_missed(only, code, tmp_path, capsys):
    options = [part for name in only for part in ("--only", name)]
    assert truth.main([*options, "--workspace", str(tmp_path)]) == code
    out = capsys.readouterr().out
    assert all(word in out for word in (["PASS"] if "good" in only else []) + (["FAIL"] if code else []))


def test_json_is_one_document(tmp_path, capsys):
    truth.main(["--only", "good", "--json", "--workspace", str(tmp_path)])
    document = json.loads(capsys.readouterr().out)
    assert [figure["outcome"] for figure in document["figures"]] == ["PASSED"]


def test_no_trials_are_a_wrong_option(capsys):
    with pytest.raises(SystemExit, match="2"):
        truth.main(["--trials", "0"])
    assert "give at least 1" in capsys.readouterr().err
