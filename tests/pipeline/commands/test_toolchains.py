from __future__ import annotations

import json

from typer.testing import CliRunner

from converters.devices import cache
from converters.errors import UnavailableError, UsageError
from pipeline.cli import app


def cli(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_toolchains_say_what_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    rows = json.loads(cli("toolchains", "--json").stdout)["toolchains"]
    assert {row["name"]: row["state"] for row in rows} == {"onnx2tf": "not made", "onnx_tf": "not made"}
    said = cli("toolchains").stdout
    assert "onnx2tf" in said
    assert "`edge-export toolchains build` makes them" in said


def test_removing_what_is_not_there_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert cli("toolchains", "remove").stdout.splitlines() == ["onnx2tf was not there", "onnx_tf was not there"]


def test_checking_what_is_not_made_says_what_makes_it(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    end = cli("toolchains", "check", "onnx2tf")
    assert isinstance(end.exception, UnavailableError)
    assert "it is not there; `edge-export toolchains build` makes it" in str(end.exception)


def test_an_unknown_name_is_told_what_there_is():
    end = cli("toolchains", "build", "onnx3tf")
    assert isinstance(end.exception, UsageError)
    assert "no toolchain is called 'onnx3tf'; there are onnx2tf, onnx_tf" in str(end.exception)
