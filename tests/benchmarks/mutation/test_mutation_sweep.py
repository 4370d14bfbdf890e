"""A sweep plans every kind for every reference, goes on where it was cut, and fails closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mutation import catalogue
from benchmarks.mutation.subjects import NETS, Subject, in_folder
from benchmarks.mutation.sweep import planned, run, sampled
from benchmarks.mutation.trial import AS_CONVERTED, Row, Sort, Trial
from converters.errors import ToolkitCrash

SUBJECT = Subject("net", Path("net.onnx"), {"same": "net.onnx", "float": "whole.onnx"})


class Pool:
    """Gives rows without running anything; some trials crash."""

    def __init__(self, crash=""):
        self.calls, self.crash = [], crash

    def call(self, worker, target, timeout, trial, folder):
        self.calls.append(trial.key)
        if self.crash and self.crash in trial.kind:
            raise ToolkitCrash("it died")
        sort = Sort.FAULT if trial.fault else Sort.HONEST
        where = (trial.subject, trial.pairing, "onnx", trial.family, trial.kind, trial.seed)
        return Row(*where, sort, caught=trial.fault, first=trial.fault, among=trial.fault, place=0)


@pytest.mark.parametrize("suffix", catalogue.SUFFIXES)
def test_the_catalogue_is_broad(suffix):
    faults, changes = catalogue.faults(suffix), catalogue.changes(suffix)
    assert len(faults) >= 60
    assert len(changes) >= 12
    assert not faults.keys() & changes.keys()


def test_every_kind_is_planned_for_every_reference():
    trials = list(planned([SUBJECT], range(1, 3)))
    keys = [trial.key for trial in trials]
    assert len(keys) == len(set(keys))
    same = [trial for trial in trials if trial.pairing == "same" and trial.fault]
    assert {trial.kind for trial in same} == set(catalogue.faults(".onnx"))
    assert len(same) == 2 * len(catalogue.faults(".onnx"))


def test_another_calibration_is_no_fault_against_the_float_file():
    kinds = {trial.kind for trial in planned([SUBJECT], range(1, 2), pairings=("float",))}
    assert not kinds & set(catalogue.RECALIBRATED)
    assert AS_CONVERTED in kinds


def test_known_rows_are_not_done_again(tmp_path):
    trials = list(planned([SUBJECT], range(1, 2), kinds=("bias",)))
    first, second = Pool(), Pool()
    rows = run(trials[:5], tmp_path, first, 2, lambda text: None)
    again = run(trials, tmp_path, second, 2, lambda text: None)
    assert again[:5] == rows
    assert sorted(first.calls + second.calls) == sorted(trial.key for trial in trials)


def test_a_trial_that_crashes_is_a_miss_or_a_false_alarm(tmp_path):
    trials = [
        Trial("net", "net.onnx", Path("net.onnx"), "same", "weights", "bias lost", 1, True),
        Trial("net", "net.onnx", Path("net.onnx"), "same", "honest", "bias moved", 1, False),
    ]
    said = []
    rows = run(trials, tmp_path, Pool("bias"), 1, said.append)
    assert [row["caught"] for row in rows] == [False, True]
    assert "ToolkitCrash: it died" in rows[0]["said"]
    assert [line.split(":")[0] for line in said[1:]] == ["missed", "false alarm"]


def test_files_of_a_folder_are_taken_once(tmp_path):
    for name in ("a.onnx", "b.onnx", "c.tflite", "d.txt"):
        (tmp_path / name).write_bytes(b"x" if name < "c" else name.encode())
    assert [subject.name for subject in in_folder(tmp_path)] == ["a.onnx", "c.tflite"]


def test_builders_are_where_the_networks_say():
    for net in NETS.values():
        file, _, function = net.builder.rpartition(":")
        assert f"def {function}(" in Path(file).read_text(encoding="utf-8")


def test_a_sample_is_the_same_from_run_to_run_and_of_many_kinds():
    trials = list(planned([SUBJECT], range(1, 4)))
    chosen = sampled(trials, 5)
    assert chosen == sampled(trials, 5)
    assert 0.1 < len(chosen) / len(trials) < 0.3
    assert len({trial.kind for trial in chosen}) > 60
    assert sampled(trials, 1) == trials
