from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import toy_workers
from gates import mini
from toy_workers import ToyWorkers
from typer.testing import CliRunner

from converters import registry
from converters.contract import Precision
from converters.errors import ModelError, UsageError
from pipeline import config, lone
from pipeline.cli import app
from pipeline.publish import publish

TIGHT = '[parity.fp32]\nmin_samples = 9999\nreason = "more than there are"\n'


@pytest.fixture(autouse=True)
def _workers(monkeypatch):
    """Questions are answered by numpy, as if everything were installed."""

    @contextlib.contextmanager
    def toolbox():
        yield ToyWorkers(), config.load().limits

    monkeypatch.setattr(lone, "toolbox", toolbox)
    monkeypatch.setattr(registry, "missing", lambda packages: ())


@pytest.fixture
def files(tmp_path):
    """A right file, an equal one and one that lost a bias."""
    weights = mini.parameters()
    toy_workers.store(tmp_path / "right.pt", weights)
    toy_workers.store(tmp_path / "same.pt", weights)
    toy_workers.store(tmp_path / "lost.pt", {**weights, "head_bias": np.zeros(5, np.float32)})
    return tmp_path


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_compare_passes_a_copy_and_fails_a_fault_by_its_exit_code(files):
    good = cli("compare", files / "right.pt", files / "same.pt", "--inputs", "random", "--json")
    bad = cli("compare", files / "right.pt", files / "lost.pt", "--inputs", "random", "--json")
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert json.loads(good.stdout)["outcome"] == "PASSED"
    document = json.loads(bad.stdout)
    assert document["outcome"] == "FAILED"
    (cell,) = document["cells"]
    assert {"route", "precision", "runtime", "outcome", "reasons", "metrics"} <= set(cell)
    assert any(reason.startswith("parity: ") for reason in cell["reasons"])
    assert cell["metrics"]["parity.snr_db"] < 100


def test_compare_in_words_says_which_file_is_judged_by_which(files):
    said = cli("compare", files / "right.pt", files / "lost.pt", "--inputs", "random").stdout
    assert "lost.pt (torchscript) against right.pt (torchscript), 64 random inputs" in said
    assert "FAILED      parity" in said
    assert "(not required)" in said


def test_compare_and_validate_take_the_gates_that_are_given(files):
    Path("tight.toml").write_text(TIGHT)
    pair = (files / "right.pt", files / "same.pt")
    assert cli("compare", *pair, "--inputs", "random", "--gates", "tight.toml").exit_code == 1


def test_inspect_tells_what_a_file_is_made_of(files):
    said = cli("inspect", files / "right.pt").stdout
    assert "right.pt  torchscript, looks fp32" in said
    assert "input  image  [1, 12, 20, 3] float32" in said
    assert "operators  CONV_2D x1" in said
    count = sum(values.nbytes for values in mini.parameters().values())
    assert f"constants  float32 {count:,} bytes" in said


def test_inspect_json_holds_every_tensor(files):
    toy_workers.save(files / "half.pt", Precision.FP16)
    document = json.loads(cli("inspect", files / "half.pt", "--json").stdout)
    assert document["precision"] == "fp16"
    assert len(document["tensors"]) == len(mini.parameters()) + 3
    assert document["schema_version"] == 1


def test_inspect_of_what_is_no_model_is_an_error_of_its_kind(tmp_path):
    (tmp_path / "x.onnx").write_text("no model")
    assert isinstance(cli("inspect", tmp_path / "x.onnx").exception, ModelError)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    done = toy_workers.finish(toy_workers.request(folder / "p", targets=("torchscript",)), folder / "ws")
    return publish(done.plan, done.gates, done.cells, done.results, done.store, folder / "dist", "test")[0]


def test_validate_judges_a_bundle_by_its_own_gates_unless_others_are_given(bundle):
    assert cli("validate", bundle).exit_code == 0
    Path("tight.toml").write_text(TIGHT)
    ended = cli("validate", bundle, "--gates", "tight.toml", "--json")
    assert ended.exit_code == 1
    (cell,) = json.loads(ended.stdout)["cells"]
    assert cell["outcome"] == "FAILED"
    assert cell["runtime"] == "torchscript"


def test_validate_in_words(bundle):
    said = cli("validate", bundle, "--runtime", "torchscript").stdout
    assert "net_torch_torchscript_fp32.pt@torchscript" in said
    assert "PASSED      parity" in said
    assert "snr" in said


def test_validate_of_a_file_alone_says_each_outcome_and_what_nothing_is_known_about(files):
    ended = cli("validate", files / "right.pt")
    assert ended.exit_code == 0
    assert "right.pt@torchscript  PASSED" in ended.stdout
    assert "right is what torchscript-plain computes from the same file" in ended.stdout
    assert "NOT_RUN     accuracy (not required)" in ended.stdout
    assert "inputs made up, seed 0" in ended.stdout


def test_validate_refuses_sizes_against_the_file(files):
    said = cli("validate", files / "right.pt", "--input", "image:1x3x3x3")
    assert isinstance(said.exception, UsageError)
    assert "takes image:1x12x20x3:float32" in str(said.exception)


def test_names_with_brackets_are_printed_as_they_are(files):
    odd = files / "net[bold]x.pt"
    odd.write_bytes((files / "right.pt").read_bytes())
    assert "net[bold]x.pt" in cli("inspect", odd).stdout
    assert "net[bold]x.pt" in cli("compare", odd, odd, "--inputs", "random").stdout
