from __future__ import annotations

import json

from typer.testing import CliRunner

from converters import registry
from converters.contract import Format, Framework
from pipeline.cli import app
from pipeline.routes import find_routes


def cli(*arguments):
    return CliRunner().invoke(app, list(arguments))


def lines(said, start):
    """The lines from the one that begins so to the next that is not indented."""
    rest = said.splitlines()[[line.startswith(start) for line in said.splitlines()].index(True) + 1 :]
    ends = [place for place, line in enumerate(rest) if line and line[0] != " "]
    return rest[: ends[0]] if ends else rest


def test_as_json_are_those_that_the_planner_takes(monkeypatch):
    monkeypatch.setattr(registry, "made", lambda name: name == "onnx2tf")
    rows = json.loads(cli("routes", "--json").stdout)["routes"]
    found = {(row["framework"], row["route"], row["target"], row["precision"]) for row in rows}
    planned = [(fw, route) for fw in Framework for route in find_routes(fw, registry.edges())]
    assert found == {(fw.value, r.name, r.target.value, r.precision.value) for fw, r in planned}
    assert len(rows) == len(found)
    for row in rows:
        assert row["runtimes"] == [spec.name for spec in registry.runtimes_for(Format(row["target"]))]
        assert all(registry.edge(name) for name in row["converters"])
        assert row["toolchains_missing"] == (["onnx_tf"] if row["route"].endswith("onnx-tf") else [])


def test_in_words_what_starts_from_a_file_is_drawn_below_it():
    torch = lines(cli("routes").stdout, "torch (torch model)")
    at = next(place for place, line in enumerate(torch) if "─ onnx ─▶ onnx  fp32, fp16" in line)
    below = [line for line in torch[at + 1 :] if line.startswith("  │  ")][:4]
    assert {line.split("─ ")[1].split(" ")[0] for line in below} >= {"onnx2tf", "onnx-tf", "ort"}
    assert all(line.startswith(("  │  ", "     ")) for line in below)
    assert sum(line.startswith("  └─") for line in torch) == 1


def test_what_is_not_installed_and_what_brings_it_is_said(monkeypatch):
    monkeypatch.setattr(registry, "missing", lambda packages: ("torch",) if "torch" in packages else ())
    monkeypatch.setattr(registry, "made", lambda name: name != "onnx_tf")
    said = cli("routes").stdout
    torch, keras = lines(said, "torch (torch model)"), lines(said, "tensorflow (keras model)")
    assert next(line for line in torch if "─ litert ─▶" in line).endswith("not installed: torch")
    assert not any("not installed" in line for line in keras)
    (sealed,) = [line for line in keras if "toolchains build" in line]
    assert "onnx-tf ─▶ tflite" in sealed
    assert "`edge-export toolchains build onnx_tf` brings it" in sealed
    assert "torchscript  torchscript (not installed)" in "\n".join(lines(said, "runs in"))
