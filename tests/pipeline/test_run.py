from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import toy_workers
from toy_workers import ToyWorkers

from converters.errors import DataError, DiskFullError, ModelError, ToolkitCrash, UnsupportedError, UsageError
from pipeline import run
from pipeline.report import json_report
from pipeline.run import Options, execute, explain

TIGHT = '[parity.fp16]\nmin_snr_db = 500.0\nreason = "no file can"\n'


@pytest.fixture
def go(monkeypatch, tmp_path):
    """Runs the builder in `work` with toy workers; returns the exit code and keeps the workers."""
    folder = Path("project")

    def run_it(*precisions, fault=lambda name, arguments: None, targets=("onnx",), **options):
        go.workers = ToyWorkers(fault)
        monkeypatch.setattr(run, "WorkerPool", lambda logs, memory, most: go.workers)
        chosen = Options(**{"until": "report", "out": Path("dist"), "workspace": Path("ws"), **options})
        return execute(toy_workers.request(folder, *precisions, targets=targets), chosen)

    go = run_it
    return run_it


def report():
    return json_report.read(Path("dist/net/report/report.json"))


def outcomes():
    return {(cell.precision, cell.runtime): cell.outcome.value for cell in report().cells}


def on(function, fragment):
    """A fault of one function, when its arguments speak of `fragment`."""
    return lambda name, arguments: name == function and fragment in str(arguments)


def raising(error, function, fragment=""):
    hit = on(function, fragment)
    return lambda name, arguments: error if hit(name, arguments) else None


def test_a_run_leaves_a_judged_bundle_and_closes_its_workers(go, capsys):
    assert go("fp32", "fp16") == 0
    assert outcomes() == {("fp32", "onnxruntime"): "PASSED", ("fp16", "onnxruntime"): "PASSED"}
    assert go.workers.closed
    assert "dist/net/report/report.html" in capsys.readouterr().out


def test_an_unchanged_run_asks_no_worker_and_writes_nothing(go, capsys):
    go()
    before = {path: path.stat().st_mtime_ns for path in Path("dist").rglob("*")}
    assert go() == 0
    assert go.workers.calls == []
    assert {path: path.stat().st_mtime_ns for path in Path("dist").rglob("*")} == before
    said = capsys.readouterr().err
    for stage in ("train", "reference", "convert", "validate", "package"):
        assert f"{stage}: nothing to do" in said


def test_a_changed_gate_judges_anew_and_measures_nothing(go):
    assert go("fp32", "fp16") == 0
    Path("tight.toml").write_text(TIGHT)
    assert go("fp32", "fp16", gates=Path("tight.toml")) == 1
    assert go.workers.calls == []
    missed = {("fp32", "onnxruntime"): "PASSED", ("fp16", "onnxruntime"): "UNDECIDED"}  # on made-up inputs
    assert outcomes() == missed


def test_one_failing_conversion_costs_its_own_cells_only(go):
    assert go("fp32", "fp16", fault=raising(UnsupportedError("no such operator"), "convert", "FP16")) == 1
    assert outcomes() == {("fp32", "onnxruntime"): "PASSED", ("fp16", "onnxruntime"): "UNSUPPORTED"}
    assert not list(Path("dist").rglob("*_fp16.onnx"))


def test_a_measurement_that_crashed_in_one_runtime_leaves_the_other_alone(go):
    fault = raising(ToolkitCrash("died of SIGSEGV"), "run_samples", "litert-reference")
    assert go(targets=("tflite",), fault=fault) == 1
    assert outcomes() == {("fp32", "litert-xnnpack"): "PASSED", ("fp32", "litert-reference"): "CRASHED"}


def test_a_crashed_reference_is_a_verdict_on_every_cell_not_an_end(go):
    assert go(fault=raising(ToolkitCrash("died"), "parameter_count")) == 1
    assert outcomes() == {("fp32", "onnxruntime"): "CRASHED"}


@pytest.mark.parametrize("error", [ModelError("build() returned None"), DataError("bad inputs")])
def test_a_fault_of_the_user_ends_the_run_with_its_own_words_and_no_bundle(go, error):
    with pytest.raises(type(error), match=str(error).replace("(", ".").replace(")", ".")):
        go(fault=raising(error, "capture"))
    assert not Path("dist").exists()


def test_a_full_disk_ends_the_run_and_the_next_one_goes_on(go):
    with pytest.raises(DiskFullError):
        go(fault=raising(DiskFullError("no space is left"), "convert"))
    assert go() == 0
    assert "capture" not in go.workers.calls


def test_force_runs_one_stage_again_and_no_other(go):
    go()
    assert go(force=("validate",)) == 0
    assert "inspect" in go.workers.calls
    assert "time_round" in go.workers.calls
    assert not {"capture", "convert", "parameter_count"} & set(go.workers.calls)


def test_a_stage_that_does_not_exist_says_what_does(go):
    with pytest.raises(UsageError, match="no stage is called 'cook'; there are data, train.*validate, drift, all"):
        go(force=("cook",))


def test_until_convert_says_where_each_artifact_lies_and_judges_none(go, capsys):
    assert go("fp32", "fp16", until="convert", as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    names = [Path(row["path"]).name for row in document["artifacts"]]
    assert names == ["net_torch_onnx_fp32.onnx", "net_torch_onnx_fp16.onnx"]
    assert all(Path(row["path"]).is_file() for row in document["artifacts"])
    assert "run_samples" not in go.workers.calls
    assert not Path("dist").exists()


def test_until_convert_ends_with_the_code_of_what_failed_and_lists_the_rest(go, capsys):
    fault = raising(UnsupportedError("no such operator"), "convert", "FP16")
    assert go("fp32", "fp16", until="convert", as_json=True, fault=fault) == 6
    rows = json.loads(capsys.readouterr().out)["artifacts"]
    assert rows[1] == {"name": "convert net_torch_onnx_fp16", "error": "no such operator"}


def test_until_train_stops_before_any_conversion(go, capsys):
    assert go(until="train") == 0
    assert go.workers.calls == ["capture"]
    assert ".safetensors" in capsys.readouterr().err


def test_with_json_standard_output_is_one_document(go, capsys):
    assert go(as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cells"][0]["outcome"] == "PASSED"
    assert document["bundle"] == "dist/net"


def test_explain_says_what_would_run_and_runs_nothing(go, capsys):
    wanted = toy_workers.request(Path("project"))
    explain(wanted, Path("ws"), None, as_json=True)
    rows = json.loads(capsys.readouterr().out)["tasks"]
    assert all(row["would_run"] and row["reason"] == "never made here" for row in rows)
    assert len({row["task"] for row in rows}) == len(rows)
    assert not Path("ws").exists()
    go()
    capsys.readouterr()
    explain(wanted, Path("ws"), None, as_json=True)
    assert not any(row["would_run"] for row in json.loads(capsys.readouterr().out)["tasks"])


def test_explain_names_what_changed(go, capsys):
    go()
    Path("project/weights.bin").write_text("new")
    capsys.readouterr()
    explain(toy_workers.request(Path("project")), Path("ws"), None, as_json=False)
    said = capsys.readouterr().out
    assert "load net_torch  changed: the model's file and its folder" in said
    assert "changed: result of load net_torch" in said


def test_names_with_brackets_are_said_as_they_are(go, capsys, tmp_path):
    data = toy_workers.write_data(tmp_path / "toy[bold].npz")
    wanted = dataclasses.replace(toy_workers.request(Path("project")), data=str(data))
    explain(wanted, Path("ws"), None, as_json=False)
    assert "toy[bold].npz" in capsys.readouterr().out
    assert go(until="train", workspace=Path("ws[bold]")) == 0
    assert "ws[bold]" in capsys.readouterr().err
