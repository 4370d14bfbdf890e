from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.errors import WorkspaceError
from pipeline.recipes import load_recipe
from pipeline.repair.candidates import Bench
from pipeline.repair.deliver import deliver, require_writable, verdict
from pipeline.repair.front import rows
from pipeline.repair.repair import Repair, repair


@pytest.fixture
def repaired(bench: Callable[..., Bench]) -> tuple[Bench, Repair]:
    made = bench("relu", target_drop=1.0)
    return made, repair(made, lambda _: None)


def test_file_recipe_document_and_page_are_left_behind(repaired: tuple[Bench, Repair], tmp_path: Path) -> None:
    made, found = repaired
    left = deliver(tmp_path, made, found, rows(made, found), ["a note"])
    assert left.artifact.read_bytes() == found.best.artifact.path.read_bytes()
    assert left.artifact.name == "relu_int8-repaired.tflite"
    precision, recipe = load_recipe(left.recipe)
    assert precision == "int8"
    assert recipe.options == {"quantize_litert": {"equalize": True}}
    assert recipe.calibration_samples == 64
    document = json.loads((tmp_path / "repair.json").read_text())
    assert document == json.loads(json.dumps(left.document))
    assert document["passed"] is True
    assert document["evaluations"] == 2
    assert document["front"][2]["chosen"] is True
    assert document["notes"] == ["a note"]
    assert "<svg" in (tmp_path / "repair.html").read_text()


def test_the_verdict_says_what_came_of_it(repaired: tuple[Bench, Repair]) -> None:
    made, found = repaired
    assert verdict(made, found).startswith("repaired: a drop of ")
    nothing = Repair(found.plain, found.plain, True, (), ())
    assert verdict(made, nothing).startswith("nothing to do: int8 as it stands keeps a drop of at most 1 points")
    lost = Repair(found.plain, found.plain, False, (), ())
    assert verdict(made, lost).startswith("not repaired: a drop of at most 1 points was asked; the best that was found")


def test_a_folder_that_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="--out .*file cannot be written"):
        require_writable(tmp_path / "file")
