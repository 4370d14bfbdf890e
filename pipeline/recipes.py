"""Recipes: how a precision is made, as data; those of configs/recipes, a user's own file, and `--keep`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from converters import registry
from converters.contract import Edge, Precision
from converters.errors import ConfigError, UsageError
from pipeline.config import Configs, Recipe, parse, read_toml

KEEP = "keep"
PREPASS = "prepass"


def load_recipe(path: Path) -> tuple[Precision, Recipe]:
    """A user's recipe file, and the precision that it makes.

    Raises:
        ConfigError: it is missing, of another form, or has a key that its converter does not know.
    """
    recipe = parse(Recipe, read_toml(path), path)
    if recipe.precision not in set(Precision):
        said = f"found {recipe.precision!r}" if recipe.precision else "it is missing"
        raise ConfigError(f"{path}: precision must be one of {', '.join(Precision)}; {said}")
    require_known(recipe, str(path))
    return Precision(recipe.precision), recipe


def require_known(recipe: Recipe, where: str) -> None:
    """Raises ConfigError where a recipe speaks of a converter, or of a key of one, that does not exist."""
    knowing = {edge.name: edge.options for edge in registry.edges() if edge.options}
    for name, options in recipe.options.items():
        if name not in knowing:
            raise ConfigError(f"{where}: no converter {name!r} takes options; those that do: {', '.join(knowing)}")
        for key in options:
            if key not in knowing[name]:
                known = ", ".join(knowing[name])
                raise ConfigError(f"{where}: [options.{name}] unknown key {key!r}; {name} knows {known}")


def applied(configs: Configs, recipe: str, keep: Sequence[str]) -> tuple[Configs, Precision | None]:
    """The configuration with a user's recipe file in the place of that of its precision, and with layers to keep.

    Raises:
        ConfigError: as `load_recipe`.
    """
    recipes = dict(configs.recipes)
    precision = None
    if recipe:
        precision, recipes[precision] = load_recipe(Path(recipe))
    for name, one in recipes.items():
        require_known(one, f"recipe {name}")
    if keep:
        recipes = {name: _keeping(name, one, tuple(keep)) for name, one in recipes.items()}
    return dataclasses.replace(configs, recipes=recipes), precision


def without_prepass(configs: Configs) -> Configs:
    """The configuration with ONNX files given to their converters as they are."""
    able = [edge.name for edge in registry.edges() if PREPASS in edge.options]

    def bare(recipe: Recipe) -> Recipe:
        options = {name: dict(given) for name, given in recipe.options.items()}
        for name in able:
            options.setdefault(name, {})[PREPASS] = False
        return dataclasses.replace(recipe, options=options)

    return dataclasses.replace(configs, recipes={name: bare(one) for name, one in configs.recipes.items()})


def edges(configs: Configs) -> tuple[Edge, ...]:
    """The converters there are; one that makes a precision in one step leaves it to a quantizer with a recipe for it.

    A recipe that speaks to `quantize_litert` would else say nothing of files that TensorFlow quantizes by itself.
    """
    found = registry.edges()
    asked = {
        (edge.target, precision)
        for precision, recipe in configs.recipes.items()
        for edge in found
        if edge.quantizes and precision in edge.precisions and recipe.options.get(edge.name)
    }

    def left(edge: Edge) -> Edge:
        if edge.quantizes:
            return edge
        stay = tuple(precision for precision in edge.precisions if (edge.target, precision) not in asked)
        return dataclasses.replace(edge, precisions=stay)

    return tuple(map(left, found))


def require_keep(steps: Mapping[str, Edge]) -> None:
    """Raises UsageError where a converter that makes a file in lower precision cannot keep layers in float."""
    deaf = {name: edge for name, edge in steps.items() if KEEP not in edge.options}
    if deaf:
        name, edge = next(iter(deaf.items()))
        able = ", ".join(e.name for e in registry.edges() if KEEP in e.options)
        raise UsageError(
            f"--keep: {edge.name}, which makes {name}, cannot leave layers in float; {able} can: choose their "
            "--target and --precision"
        )


def _keeping(precision: Precision, recipe: Recipe, keep: tuple[str, ...]) -> Recipe:
    if precision is Precision.FP32:
        return recipe
    able = [edge.name for edge in registry.edges() if KEEP in edge.options and precision in edge.precisions]
    options = {name: dict(given) for name, given in recipe.options.items()}
    for name in able:
        given = options.setdefault(name, {})
        given[KEEP] = [*given.get(KEEP, ()), *keep]
    return dataclasses.replace(recipe, options=options)


def to_toml(recipe: Recipe) -> str:
    """The recipe as a file that `load_recipe` reads."""
    lines = [f"title = {_value(recipe.title)}", f"precision = {_value(recipe.precision)}"]
    if recipe.calibration_samples:
        lines.append(f"calibration_samples = {recipe.calibration_samples}")
    for name, options in recipe.options.items():
        lines += ["", f"[options.{name}]", *(f"{key} = {_value(value)}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A text, number, boolean or list of them in TOML, which writes these as JSON does."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=True)
