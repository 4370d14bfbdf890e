from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.errors import ConfigError
from converters.sensitivity import Sensitivity
from pipeline.checks.outcome import Outcome
from pipeline.repair.candidates import Bench
from pipeline.repair.deliver import recipe_of
from pipeline.repair.repair import between, by_recipe, is_layer, repair

Made = Callable[..., Bench]


def quiet(_: str) -> None:
    pass


@pytest.mark.parametrize("name", ["relu", "onnx"])
def test_equalization_alone_repairs_what_it_can(name: str, bench: Made) -> None:
    made = bench(name, target_drop=1.0)
    found = repair(made, quiet)
    assert made.files[0].check.outcome is not Outcome.PASSED, "the net needs it"
    assert found.passed
    assert found.best.check.outcome is Outcome.PASSED
    assert dict(found.best.options) == {"equalize": True}
    assert found.kept == ()


def test_the_fewest_layers_are_kept_where_nothing_else_helps(bench: Made) -> None:
    made = bench("blocked", target_drop=1.0)
    heard: list[str] = []
    found = repair(made, heard.append, most_kept=0.8)
    assert found.passed, found.best
    assert {"hidden", "same", "deep"} >= set(found.kept)
    assert len(found.kept) >= 2
    assert {layer.name for layer in found.layers} == {"hidden", "same", "deep", "mean", "out"}
    assert set(found.best.artifact.kept) == set(found.kept)
    assert any("5 layers ranked" in text for text in heard)


def test_what_cannot_be_repaired_says_so_with_the_best_that_was_found(bench: Made) -> None:
    made = bench("blocked", target_drop=0.0)
    made.gate = made.gate.__class__(**{**vars(made.gate), "margin_points": 0.0})
    found = repair(made, quiet, most_kept=0.4)
    assert not found.passed
    assert found.best.worth == max(candidate.worth for candidate in made.files)


def test_int8_that_passes_is_left_alone(bench: Made) -> None:
    made = bench("easy", target_drop=2.0)
    found = repair(made, quiet)
    assert found.passed
    assert found.best is found.plain
    assert len(made.files) == 1


def test_a_recipe_makes_the_same_bytes_again(bench: Made, tmp_path: Path) -> None:
    made = bench("relu", target_drop=1.0)
    found = repair(made, quiet)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe_of(made, found))
    again = by_recipe(bench("relu", target_drop=1.0), path)
    assert again.best.artifact.sha256 == found.best.artifact.sha256
    assert again.passed
    path.write_text('title = "x"\nprecision = "fp16"\n')
    with pytest.raises(ConfigError, match=r"recipe\.toml makes fp16; repair makes int8"):
        by_recipe(made, path)


def test_what_only_moves_values_between_kept_layers_is_kept_with_them() -> None:
    def row(name: str, type: str, *reads: str) -> Sensitivity:
        return Sensitivity(name, type, 0.0, 0.0, reads)

    rows = (
        row("a", "CONV_2D", "x"),
        row("pad", "PAD", "a"),
        row("turned", "TRANSPOSE", "pad"),
        row("b", "CONV_2D", "turned"),
        row("flat", "RESHAPE", "b"),
        row("c", "FULLY_CONNECTED", "flat"),
    )
    assert between(("a", "b"), rows) == ("pad", "turned")
    assert between(("a",), rows) == ()
    assert between(("b", "c"), rows) == ("flat",)


def test_what_brings_several_tensors_to_one_range_is_a_layer() -> None:
    assert is_layer(Sensitivity("x", "CONV_2D", 0.0, 0.0, ("a",)))
    assert is_layer(Sensitivity("x", "CONCATENATION", 0.0, 0.0, ("a", "b")))
    assert not is_layer(Sensitivity("x", "RESHAPE", 0.0, 0.0, ("a",)))
