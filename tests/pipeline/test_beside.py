from __future__ import annotations

import json

import pytest

from pipeline import beside


@pytest.fixture
def builder(tmp_path):
    (tmp_path / "net.py").write_text("x = 1")
    return tmp_path / "net.py"


@pytest.mark.parametrize(
    "document",
    [
        "",
        json.dumps({"schema_version": 1, "error": {}}, indent=1),
        json.dumps({"schema_version": 7, "outcome": "PASSED", "counts": {}, "cells": []}, indent=1),
    ],
    ids=["opened by the shell", "an error", "a report"],
)
def test_what_a_command_printed_is_no_input(builder, document):
    before = beside.state(builder)
    (builder.parent / "r.json").write_text(document)
    assert beside.state(builder) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", '["cat", "dog"]'),
        ("net.json", '{"layers": 3, "schema_version": 1, "cells": 4}'),
        ("net.json", '{"schema_version": 1, "layers": 3}'),
        ("broken.json", "{"),
        ("none.json", "null"),
        ("weights.bin", "0"),
        ("layers.py", ""),
    ],
)
def test_everything_else_is(builder, name, content):
    before = beside.state(builder)
    (builder.parent / name).write_text(content)
    assert beside.state(builder) != before


def test_what_exports_and_editors_leave_is_none(builder):
    before = beside.state(builder)
    for name in ("net.tflite", "run.log", ".net.py.swp"):
        (builder.parent / name).write_text("x")
    assert beside.state(builder) == before
