from __future__ import annotations

import json

import numpy as np
import pytest
from drift_models import KERNEL, dense
from gates.in_process import InProcess
from typer.testing import CliRunner

from pipeline import lone
from pipeline.cli import app


@pytest.fixture(autouse=True)
def _workers(monkeypatch):
    monkeypatch.setattr(lone, "WorkerPool", lambda *_: _Pool())


class _Pool(InProcess):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_the_verb_prints_a_document_or_words_and_exits_as_compare_does(tmp_path):
    right = dense(tmp_path / "right.tflite").path
    wrong = dense(tmp_path / "wrong.tflite", kernel=-KERNEL).path
    end = CliRunner().invoke(app, ["drift", str(right), str(wrong), "--json"])
    document = json.loads(end.stdout)
    assert end.exit_code == 1
    assert document["first"]["cause"] == "kernel: the sign is exchanged"
    assert document["first"]["op_type"] == "FULLY_CONNECTED"
    words = CliRunner().invoke(app, ["drift", str(right), str(wrong), "--inputs", "random"])
    assert words.exit_code == 1
    assert "FULLY_CONNECTED 1: kernel: the sign is exchanged" in words.stdout
    assert "100% of the weights compared" in words.stdout
    np.testing.assert_equal(CliRunner().invoke(app, ["drift", str(right), str(right)]).exit_code, 0)
