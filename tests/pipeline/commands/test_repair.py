from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import outlier_nets
import pytest
from typer.testing import CliRunner

from converters import job
from converters.errors import EdgeExportError
from pipeline.cli import app

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`edge-export repair` on a net that needs it: its exit code and what it says; errors are raised."""
    monkeypatch.chdir(tmp_path)
    outlier_nets.tflite(tmp_path / "easy.tflite", gain=1.0)
    net = outlier_nets.tflite(tmp_path / "net.tflite", gain=200.0)
    images = outlier_nets.images(5000)
    answers = job.open_session("litert-reference", net).run_many({"image": images})["logits"][:, 0].argmax(axis=1)
    np.savez(tmp_path / "data.npz", x=images[:, 0], labels=answers)

    def call(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["repair", *arguments])
        if isinstance(done.exception, EdgeExportError):
            raise done.exception
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return call


def test_a_repair_leaves_a_file_and_its_recipe_which_makes_it_again(run: Run, tmp_path: Path) -> None:
    code, said = run("net.tflite", "--data", "data.npz", "--target-drop", "1", "--budget", "0", "--out", "one")
    assert code == 0, said
    assert "repaired: a drop of" in said
    code, said = run(
        "net.tflite", "--data", "data.npz", "--target-drop", "1", "--budget", "0", "--out", "two",
        "--recipe", "one/recipe.toml", "--json",
    )  # fmt: skip
    assert code == 0, said
    first, second = (tmp_path / name / "net_int8-repaired.tflite" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_int8_that_passes_is_left_alone(run: Run, tmp_path: Path) -> None:
    code, said = run("easy.tflite", "--data", "data.npz", "--target-drop", "2", "--out", "out")
    assert code == 0, said
    assert "nothing to do: int8 as it stands keeps a drop of at most 2 points" in said
    assert list((tmp_path / "out").iterdir()) == []


def test_a_repair_that_fails_says_so_and_gives_the_best(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text('[accuracy.int8]\nmargin_points = 0.0\nreason = "test"\n')
    code, said = run(
        "net.tflite", "--data", "data.npz", "--target-drop", "0", "--max-kept", "0", "--budget", "0",
        "--gates", "gates.toml", "--json",
    )  # fmt: skip
    assert code == 1
    document = json.loads(said[said.index("{") :])
    assert document["passed"] is False
    assert document["verdict"].startswith("not repaired")
    assert (tmp_path / "repaired" / document["artifact"]).is_file()


def test_what_is_asked_must_be_one_thing(run: Run) -> None:
    with pytest.raises(EdgeExportError, match="repair takes one float file, or one --model"):
        run("--data", "data.npz")
    with pytest.raises(EdgeExportError, match="repair takes one float file, or one --model"):
        run("net.tflite", "--model", "digits-cnn")
    with pytest.raises(EdgeExportError, match="repair needs --data"):
        run("net.tflite")
