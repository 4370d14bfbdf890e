from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from converters.contract import TensorSpec
from converters.errors import UsageError
from pipeline import run as run_module
from pipeline.cli import app
from pipeline.commands import options, runs
from pipeline.run import Options


@pytest.fixture
def asked(monkeypatch):
    """What the verbs handed on: (request, options); the run itself ends with code 7."""
    seen = []

    def execute(request, options):
        seen.append((request, options))
        return 7

    monkeypatch.setattr(run_module, "execute", execute)
    monkeypatch.setattr(run_module, "explain", lambda request, *rest, **more: seen.append((request, rest, more)))
    return seen


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)


def test_every_option_of_run_arrives(asked):
    ended = cli(
        "run", "net.py:build", "-t", "tflite,onnx", "-t", "torchscript", "-f", "torch", "-p", "fp32,int8",
        "--data", "photos", "--image-size", "96X128", "--input", "image:1x3x96x128", "--name", "mine",
        "--out", "o", "--workspace", "w", "--force", "train,convert", "--configs", "c", "--gates", "g.toml",
        "--jobs", 3, "--json", "-v", "--debug",
    )  # fmt: skip
    assert ended.exit_code == 7, ended.output
    ((request, options),) = asked
    assert request.model == "net.py:build"
    assert request.own_model
    assert request.targets == ("tflite", "onnx", "torchscript")
    assert request.frameworks == ("torch",)
    assert request.precisions == ("fp32", "int8")
    assert (request.data, request.image_size, request.name, request.full) == ("photos", (96, 128), "mine", False)
    assert request.inputs == (TensorSpec("image", (1, 3, 96, 128), "float32"),)
    assert options == Options(
        until="report", out=Path("o"), workspace=Path("w"), force=("train", "convert"), configs=Path("c"),
        gates=Path("g.toml"), jobs=3, as_json=True, verbose=True,
    )  # fmt: skip


def test_nothing_said_means_the_reference_model_its_data_and_every_precision(asked):
    cli("run", "--target", "tflite")
    ((request, options),) = asked
    assert request.model == "fashion-cnn"
    assert (request.frameworks, request.precisions, request.data, request.inputs) == ((), (), "", ())
    assert (options.out, options.workspace, options.force, options.as_json) == (
        Path("dist"),
        Path(".edge-export"),
        (),
        False,
    )


@pytest.mark.parametrize(("verb", "until"), [("run", "report"), ("train", "train"), ("convert", "convert")])
def test_each_verb_stops_where_its_name_says(asked, verb, until):
    assert cli(verb).exit_code == 7
    assert asked[0][1].until == until


def test_train_needs_no_target_and_takes_the_full_set(asked):
    cli("train", "digits-cnn", "--full")
    assert asked[0][0].targets == ("all",)
    assert asked[0][0].full


def test_the_model_may_be_an_argument_or_an_option_but_not_two_models(asked):
    cli("run", "--model", "digits-cnn", "-t", "onnx")
    cli("run", "digits-cnn", "--model", "digits-cnn", "-t", "onnx")
    assert [request.model for request, _ in asked] == ["digits-cnn", "digits-cnn"]
    ended = cli("run", "digits-cnn", "--model", "fashion-cnn")
    assert isinstance(ended.exception, UsageError)
    assert "two models were given, 'digits-cnn' and 'fashion-cnn'" in str(ended.exception)
    assert len(asked) == 2


@pytest.mark.parametrize("size", ["96", "96x", "x", "0x5", "96x128x3", "-1x2", "axb"])
def test_a_size_of_another_form_is_refused_before_anything_runs(asked, size):
    ended = cli("run", "-t", "onnx", f"--image-size={size}")
    assert isinstance(ended.exception, UsageError)
    assert "is not of the form HxW, for example 96x128" in str(ended.exception)
    assert asked == []


def test_no_worker_at_all_is_no_choice(asked):
    assert cli("run", "-t", "onnx", "--jobs", 0).exit_code == 2
    assert asked == []


def test_explain_runs_nothing_and_ends_well(asked):
    assert cli("explain", "-t", "onnx", "--workspace", "w", "--configs", "c", "--json").exit_code == 0
    ((request, rest, more),) = asked
    assert request.targets == ("onnx",)
    assert rest == (Path("w"), Path("c"))
    assert more == {"as_json": True}


def test_explain_for_real_touches_nothing(tmp_path):
    ended = cli("explain", "digits-cnn", "-t", "onnx", "-p", "fp32", "--workspace", tmp_path / "w")
    assert ended.exit_code == 0
    assert "never made here" in ended.output
    assert not (tmp_path / "w").exists()


def test_a_project_file_says_what_was_not_said_and_the_command_line_wins(tmp_path, monkeypatch):
    (tmp_path / "net.onnx").write_bytes(b"x")
    (tmp_path / "edge-export.toml").write_text('model = "net.onnx"\ntargets = ["onnx"]\nprecisions = ["fp32"]\n')
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    plain = {"source": "", "model": "", "target": None, "precision": None, "workspace": options.DEFAULT_WORKSPACE}
    plain |= {"out": options.DEFAULT_OUT, "jobs": 2}
    found = runs._with_project(plain)
    assert found["source"] == str(tmp_path / "net.onnx")
    assert (found["target"], found["precision"]) == (["onnx"], ["fp32"])
    assert (found["out"], found["workspace"]) == (tmp_path / "dist", tmp_path / ".edge-export")
    said = runs._with_project({**plain, "target": ["tflite"], "out": tmp_path / "own"})
    assert (said["target"], said["out"]) == (["tflite"], tmp_path / "own")
    assert runs._with_project({**plain, "source": "fashion-cnn"})["target"] is None
