from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sample_report

from converters.errors import ModelError
from pipeline.checks.outcome import Check, Outcome
from pipeline.report import json_report
from pipeline.report.document import Report


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json_report.to_json(sample_report.report())


def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(json_report.SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def same(left: Report, right: Report) -> bool:
    """Equality in which NaN equals NaN."""
    return json_report.render(left) == json_report.render(right)


@pytest.mark.parametrize("make", [sample_report.report, sample_report.passed, sample_report.empty])
def test_the_schema_describes_every_report(make: Any) -> None:
    validator().validate(json_report.to_json(make()))


def test_the_schema_refuses_what_the_reader_refuses(document: dict[str, Any]) -> None:
    for change in (
        {"surprise": 1},
        {"outcome": "GREEN"},
        {"schema_version": 4},
        {"cells": [{**document["cells"][0], "checks": [{"name": "parity"}]}]},
    ):
        assert not validator().is_valid({**document, **change})
    failed = {"name": "parity", "outcome": "FAILED", "required": True, "reasons": [], "metrics": {}}
    assert not validator().is_valid({**document, "cells": [{**document["cells"][0], "checks": [failed]}]})


@pytest.mark.parametrize("make", [sample_report.report, sample_report.passed, sample_report.empty])
def test_what_is_written_is_read_back(tmp_path: Path, make: Any) -> None:
    report = make()
    back = json_report.read(json_report.write(report, tmp_path / "report.json"))
    assert same(back, report)
    assert back.outcome is report.outcome
    if make is sample_report.passed:
        assert back == report


def test_a_report_of_the_first_version_is_read(document: dict[str, Any]) -> None:
    first = edited(edited(document, "schema_version", value=1), "drifts", value=...)
    assert json_report.from_json(edited(first, "counts", "UNDECIDED", value=...)).drifts == ()


def test_a_report_of_the_second_version_is_read(document: dict[str, Any]) -> None:
    second = edited(edited(document, "schema_version", value=2), "choices", value=...)
    assert json_report.from_json(second).choices == ()


def test_numbers_that_json_lacks_survive(tmp_path: Path) -> None:
    metrics = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1, "e": True, "f": None, "g": "text"}
    first = sample_report.passed().cells[0]
    cell = dataclasses.replace(first, checks=(Check("parity", Outcome.PASSED, metrics=metrics),))
    path = json_report.write(dataclasses.replace(sample_report.passed(), cells=(cell,)), tmp_path / "r.json")
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    back = json_report.read(path).cells[0].checks[0].metrics
    assert math.isnan(back["a"])  # type: ignore[arg-type]
    assert {**back, "a": 0} == {**metrics, "a": 0}
    assert isinstance(back["d"], int)
    assert back["e"] is True


def test_the_same_report_gives_the_same_bytes() -> None:
    assert json_report.render(sample_report.report()) == json_report.render(sample_report.report())


def test_broken_characters_are_written_and_read(tmp_path: Path) -> None:
    report = dataclasses.replace(sample_report.passed(), title="bad \udc80 name \x00", command="模型")
    back = json_report.read(json_report.write(report, tmp_path / "report.json"))
    assert (back.title, back.command) == (report.title, report.command)


def edited(document: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    """A deep copy with one place changed; the value `...` takes it away."""
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), 4, "schema_version 4 was written by a newer edge-export; this one reads up to 3"),
        (("schema_version",), ..., "no schema_version"),
        (("schema_version",), "1", "no schema_version"),
        (("schema_version",), True, "no schema_version"),
        (("title",), ..., "'title' is missing"),
        (("title",), 7, r"title: expected a text, found an integer"),
        (("extra",), 7, "unknown key 'extra'"),
        (("cells",), {}, r"cells: expected a list, found an object"),
        (("cells", 3), None, r"cells\[3\]: expected an object, found null"),
        (("cells", 0, "checks", 0, "outcome"), "GREEN", "'GREEN' is none of PASSED, FAILED"),
        (("cells", 0, "checks", 0, "metrics"), {"a": []}, "expected"),
        (("cells", 0, "checks", 0, "required"), "yes", "expected true or false, found a text"),
        (("cells", 0, "checks", 0, "outcome"), "FAILED", "check precision: FAILED needs a reason"),
        (("cells", 0, "outcome"), "FAILED", "outcome is 'FAILED', but the checks give 'PASSED'"),
        (("cells", 3, "outcome"), "PASSED", "outcome is 'PASSED', but the checks give 'FAILED'"),
        (("cells", 0, "id"), ..., "'id' is missing"),
        (("cells", 0, "metrics"), {}, "metrics is {}"),
        (("outcome",), "PASSED", "outcome is 'PASSED', but the checks give 'CRASHED'; it was edited"),
        (("counts", "PASSED"), 40, "counts is"),
        (("models", 0, "accuracy"), "high", "accuracy: expected a number, found a text"),
        (("models", 0, "parameters"), 1.5, "parameters: expected an integer, found a number"),
        (("drifts", 1, "suspects", 0, "a", "op_index"), "x", "expected an integer, found a text"),
        (("drifts", 1, "outcome"), "PASSED", "is PASSED, with 3 suspects"),
        (("timings_s", "train"), True, "timings_s.train: expected a number, found true or false"),
    ],
)
def test_damage_is_named(document: dict[str, Any], path: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        json_report.from_json(edited(document, *path, value=value))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged"),
        (b"{", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b"[]", "expected an object, found list"),
        (b"{}", "no schema_version; this is not one of our documents"),
    ],
)
def test_a_file_that_is_no_report(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        json_report.read(path)


def test_a_truncated_report_is_damaged(tmp_path: Path) -> None:
    path = json_report.write(sample_report.report(), tmp_path / "report.json")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelError, match=r"report .*report.json is damaged: .*; make it again"):
        json_report.read(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"report .*nothing.json does not exist"):
        json_report.read(tmp_path / "nothing.json")
