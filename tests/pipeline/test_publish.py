from __future__ import annotations

import dataclasses
import io
import json
import shutil

import pytest
import sample_report
import toy_workers
from rich.console import Console
from toy_workers import ToyWorkers

from converters.errors import ToolkitCrash, WorkspaceError
from pipeline.bundle import open_bundle
from pipeline.checks.outcome import Cell, Check, Outcome
from pipeline.publish import publish, say


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("publish")
    return toy_workers.finish(toy_workers.request(folder / "p", "fp32", "fp16"), folder / "ws")


@pytest.fixture
def done(made, tmp_path):
    """A finished run whose store remembers nothing of earlier bundles."""
    shutil.rmtree(made.store.root / "tasks", ignore_errors=True)
    return made


def write(done, out, **changes):
    given = {"gates": done.gates, "cells": done.cells, **changes}
    return publish(done.plan, given["gates"], given["cells"], done.results, done.store, out, "edge-export run")


def state(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


def failing(cells):
    check = Check("parity", Outcome.FAILED, ("1 dB",))
    return [dataclasses.replace(cells[0], checks=(check,)), *cells[1:]]


def test_the_bundle_holds_the_artifacts_the_pack_the_gates_and_the_rules(done, tmp_path):
    folder, report, written = write(done, tmp_path / "dist")
    bundle = open_bundle(folder)
    assert written
    assert sorted(artifact.path.name for artifact in bundle.artifacts) == [
        "net_torch_onnx_fp16.onnx",
        "net_torch_onnx_fp32.onnx",
    ]
    assert list(bundle.golden) == ["torch"]
    assert [cell.outcome for cell in report.cells] == [Outcome.PASSED] * 2
    assert bundle.manifest.preprocessing["image"].width == 20
    assert "min_snr_db" in bundle.gates.read_text()
    assert {"train", "reference", "convert", "validate"} <= set(report.timings_s)


def test_the_same_verdicts_write_nothing_and_give_the_stored_report(done, tmp_path):
    folder, first, _ = write(done, tmp_path / "dist")
    before = state(folder)
    _, again, written = write(done, tmp_path / "dist")
    assert not written
    assert state(folder) == before
    assert again.created == first.created


@pytest.mark.parametrize("file", ["manifest.json", "net_torch_onnx_fp32.onnx", "report/report.json"])
def test_a_tampered_bundle_is_written_anew(done, tmp_path, file):
    folder, *_ = write(done, tmp_path / "dist")
    original = (folder / file).read_bytes()
    (folder / file).write_bytes(original.replace(b"0", b"1", 1))
    assert write(done, tmp_path / "dist")[2]
    open_bundle(folder)
    if file.endswith(".onnx"):
        assert (folder / file).read_bytes() == original


def test_a_bundle_that_was_removed_is_written_anew(done, tmp_path):
    folder, *_ = write(done, tmp_path / "dist")
    shutil.rmtree(folder)
    assert write(done, tmp_path / "dist")[2]


def test_another_whole_bundle_in_its_place_is_not_taken_for_it(done, tmp_path):
    folder, *_ = write(done, tmp_path / "dist")
    other, *_ = write(done, tmp_path / "other", cells=failing(done.cells))
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    _, report, written = write(done, tmp_path / "dist")
    assert written
    assert report.cells[0].outcome is Outcome.PASSED


def test_another_output_folder_gets_a_bundle_of_its_own(done, tmp_path):
    write(done, tmp_path / "dist")
    assert write(done, tmp_path / "other")[2]


def test_changed_verdicts_are_written_though_the_files_are_the_same(done, tmp_path):
    write(done, tmp_path / "dist")
    folder, report, written = write(done, tmp_path / "dist", cells=failing(done.cells))
    assert written
    assert report.cells[0].outcome is Outcome.FAILED
    assert open_bundle(folder).report.cells[0].outcome is Outcome.FAILED


def test_changed_gates_are_written_though_the_verdicts_are_the_same(done, tmp_path):
    write(done, tmp_path / "dist")
    latency = dataclasses.replace(done.gates.latency, reason="another")
    folder, _, written = write(done, tmp_path / "dist", gates=dataclasses.replace(done.gates, latency=latency))
    assert written
    assert 'reason = "another"' in open_bundle(folder).gates.read_text()


def test_a_failure_keeps_the_old_bundle_whole(done, tmp_path, monkeypatch):
    folder, *_ = write(done, tmp_path / "dist")
    before = state(folder)

    def full(report, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.report.files.write_all", full)
    with pytest.raises(WorkspaceError):
        write(done, tmp_path / "dist", cells=failing(done.cells))
    assert state(folder) == before
    open_bundle(folder)


def test_somebody_elses_folder_is_never_replaced(done, tmp_path):
    (tmp_path / "dist" / "net").mkdir(parents=True)
    (tmp_path / "dist" / "net" / "thesis.tex").write_text("years of work")
    with pytest.raises(WorkspaceError, match="net"):
        write(done, tmp_path / "dist")
    assert (tmp_path / "dist" / "net" / "thesis.tex").read_text() == "years of work"


def test_an_artifact_that_was_not_made_is_in_the_report_and_not_in_the_bundle(tmp_path):
    def fault(name, arguments):
        return ToolkitCrash("died") if name == "convert" and "FP16" in str(arguments) else None

    done = toy_workers.finish(toy_workers.request(tmp_path / "p", "fp32", "fp16"), tmp_path / "ws", ToyWorkers(fault))
    folder, report, _ = write(done, tmp_path / "dist")
    assert [artifact.path.name for artifact in open_bundle(folder).artifacts] == ["net_torch_onnx_fp32.onnx"]
    assert {cell.precision: cell.outcome for cell in report.cells} == {
        "fp32": Outcome.PASSED,
        "fp16": Outcome.CRASHED,
    }


def report_of(outcome):
    reasons = () if outcome is Outcome.PASSED else ("why",)
    cell = Cell("m", "torch", "onnx", "fp32", "r", "onnx", "", (Check("parity", outcome, reasons),))
    passed = sample_report.passed()
    return dataclasses.replace(passed, cells=(*passed.cells, cell))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_exit_code_is_1_unless_everything_passed_or_had_no_device(tmp_path, outcome):
    code = say(tmp_path, report_of(outcome), Console(file=io.StringIO()), as_json=False)
    assert code == (0 if outcome in (Outcome.PASSED, Outcome.NOT_RUN) else 1)


def test_nothing_proved_is_no_success(tmp_path):
    report = report_of(Outcome.NOT_RUN)
    nothing = dataclasses.replace(report, cells=report.cells[-1:])
    assert say(tmp_path, nothing, Console(file=io.StringIO()), as_json=False) == 1


def test_with_json_the_table_goes_to_standard_error_and_the_document_alone_to_standard_output(tmp_path, capsys):
    aside = io.StringIO()
    say(tmp_path, report_of(Outcome.FAILED), Console(file=aside), as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["bundle"] == str(tmp_path)
    assert document["cells"][-1]["outcome"] == "FAILED"
    assert "FAILED" in aside.getvalue()
