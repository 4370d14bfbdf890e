from __future__ import annotations

from pathlib import Path

import pytest
import toy_workers

from converters import registry
from converters.contract import Format, Framework, Precision
from converters.errors import ConfigError, UsageError
from pipeline import config, recipes
from pipeline.config import Recipe
from pipeline.plan import make_plan
from pipeline.request import Request
from pipeline.routes import find_routes

CONFIGS = config.load()
TOLD = {"quantize_litert": {"keep": ["a\\.b", 'say "so"'], "keep_ops": [1, 2], "ranges": "mse", "equalize": True}}


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_recipe_is_written_and_read_back(tmp_path: Path) -> None:
    recipe = Recipe("Mine: é", "int8", 64, TOLD)
    assert recipes.load_recipe(written(tmp_path, recipes.to_toml(recipe))) == (Precision.INT8, recipe)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('title = "x"', "precision must be one of fp32, fp16, .*; it is missing"),
        ('title = "x"\nprecision = "int9"', "precision must be one of .*; found 'int9'"),
        ('title = "x"\nprecision = "int8"\nkeep = ["a"]', "unknown key 'keep'; known are title, precision"),
        (
            'title = "x"\nprecision = "int8"\n[options.quantize_litert]\nkep = ["a"]',
            "unknown key 'kep'; quantize_litert knows keep, keep_ops, ranges, equalize, bias_correction",
        ),
        (
            'title = "x"\nprecision = "int8"\n[options.quantise]\nkeep = ["a"]',
            "no converter 'quantise' takes options; those that do: .*quantize_litert",
        ),
    ],
)
def test_what_a_recipe_file_may_not_say(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        recipes.load_recipe(written(tmp_path, text))


def test_a_missing_recipe_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml does not exist"):
        recipes.load_recipe(tmp_path / "none.toml")


def test_a_recipe_takes_the_place_of_its_precisions(tmp_path: Path) -> None:
    path = written(tmp_path, recipes.to_toml(Recipe("mine", "int8", 64, TOLD)))
    made, precision = recipes.applied(CONFIGS, str(path), ["more"])
    assert precision is Precision.INT8
    assert made.recipes[Precision.INT8].options["quantize_litert"]["keep"] == [*TOLD["quantize_litert"]["keep"], "more"]
    assert made.recipes[Precision.FP32] == CONFIGS.recipes[Precision.FP32]
    assert made.recipes[Precision.DYNAMIC].options["quantize_litert"] == {"keep": ["more"]}
    assert recipes.applied(CONFIGS, "", ())[0] == CONFIGS


def test_a_recipe_for_a_quantizer_is_not_passed_by(tmp_path: Path) -> None:
    """TensorFlow makes int8 by itself: then nobody would hear what the recipe says to the quantizer."""

    def makes_int8(configs: config.Configs) -> str:
        routes = find_routes(Framework.TENSORFLOW, recipes.edges(configs))
        route = next(r for r in routes if r.target is Format.TFLITE and r.precision is Precision.INT8)
        return route.edges[-1].name

    path = written(tmp_path, recipes.to_toml(Recipe("mine", "int8", 64, TOLD)))
    assert makes_int8(CONFIGS) == "litert_from_keras"
    assert makes_int8(recipes.applied(CONFIGS, str(path), ())[0]) == "quantize_litert"


def test_a_run_by_a_recipe_makes_its_precision_beside_the_float_file(tmp_path: Path) -> None:
    path = written(tmp_path, recipes.to_toml(Recipe("mine", "int8", 64, TOLD)))
    request = toy_workers.request(tmp_path / "p")
    own = Request(("tflite",), request.model, ("torch",), recipe=str(path))
    made = make_plan(own, CONFIGS)
    assert {cell.route.precision for cell in made.cells} == {Precision.FP32, Precision.INT8}
    plain = make_plan(Request(("tflite",), request.model, ("torch",)), CONFIGS)
    keys = [{task.name: task.key for task in plan.tasks()} for plan in (made, plain)]
    changed = {name for name in keys[0] if keys[0][name] != keys[1][name]}
    assert changed
    assert all("int8" in name or "calibration" in name for name in changed), "the recipe is part of the key"


def test_a_converter_that_cannot_keep_layers_is_named() -> None:
    edge = registry.edge("executorch_xnnpack_from_torch") if _there("executorch_xnnpack_from_torch") else None
    edge = edge or next(e for e in registry.edges() if Precision.INT8 in e.precisions and "keep" not in e.options)
    with pytest.raises(UsageError, match=f"--keep: {edge.name}, which makes x.pte, cannot leave layers in float; quan"):
        recipes.require_keep({"x.pte": edge})


def _there(name: str) -> bool:
    return any(edge.name == name for edge in registry.edges())


def test_without_the_pre_pass_every_converter_that_has_one_is_told() -> None:
    made = recipes.without_prepass(CONFIGS)
    for recipe in made.recipes.values():
        assert recipe.options["tflite_from_onnx"]["prepass"] is False
        assert recipe.options["tflite_by_onnx2tf"]["prepass"] is False
    assert "tflite_from_onnx" not in CONFIGS.recipes["fp32"].options
