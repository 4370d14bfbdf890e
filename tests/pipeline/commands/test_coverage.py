"""The verb `coverage`: what it prints, writes and ends with."""

from __future__ import annotations

import json

import pytest
from coverage_cases import case, trial, way
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.coverage.trial import Result

RUNNER = CliRunner()


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Two cases and one route, their results made by hand; the returned list takes their changes."""
    found = [trial("test_a"), trial("test_b", Result.WRONG, passed=False, op="B", reason="off")]
    cases = (case(tmp_path, "test_a", "A"), case(tmp_path, "test_b", "B"))
    monkeypatch.setattr("pipeline.coverage.cases.cases_of", lambda *_: (cases, {}))
    monkeypatch.setattr("pipeline.coverage.ways.ways_of", lambda *_, **__: (way(),))

    class Sweep:
        def __init__(self, *_: object) -> None:
            pass

        def run(self, cases, ways, key, told):
            for each in found:
                told(ways[0], each, False)
            return {"somewhere": {each.case: each for each in found if each.case in {c.name for c in cases}}}

    monkeypatch.setattr("pipeline.coverage.sweep.Sweep", Sweep)
    return found


def _run(*arguments: str):
    return RUNNER.invoke(app, ["coverage", "--corpus", "onnx", *arguments])


def test_a_summary_and_a_page(swept, tmp_path) -> None:
    done = _run("--page", str(tmp_path / "page.md"))
    assert done.exit_code == 0, done.output
    assert "somewhere: 1 right, 1 wrong" in done.stdout
    assert "| B | 1 | 0, 1 **wrong** |" in (tmp_path / "page.md").read_text()


def test_one_document(swept) -> None:
    done = _run("--json")
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    rows = document["coverage"]["onnx"]["results"]["somewhere"]
    assert [(row["case"], row["result"]) for row in rows] == [("test_a", "right"), ("test_b", "wrong")]


def test_wrong_and_passed_ends_with_1(swept) -> None:
    import dataclasses

    swept[1] = dataclasses.replace(swept[1], passed=True)
    done = _run()
    assert done.exit_code == 1
    assert "WRONG AND PASSED: test_b" in done.stdout


def test_cases_are_chosen(swept) -> None:
    assert "somewhere: 1 right" in _run("--case", "_a$").stdout
