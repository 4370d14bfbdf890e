"""TOML into frozen dataclasses: an unknown key, a wrong type or a missing value is an error that names the file."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from converters.contract import Format, Framework, Precision
from converters.errors import ConfigError, UsageError
from pipeline.resources import resource

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """A file format and the runtimes that each file of it is proved on (configs/targets.toml).

    The first of `runtimes` is home: every other is compared with it too. `devices` are the runtimes that are asked for
    by a word of their own, `--devices gpu`: families, or full names.
    """

    title: str
    format: str
    runtimes: tuple[str, ...]
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What a worker may take: seconds a task, and a share of the machine's memory (configs/limits.toml)."""

    memory_fraction: float
    train_s: float
    reference_s: float
    convert_s: float
    inspect_s: float
    measure_s: float
    latency_s: float
    latency_budget_s: float
    race_budget_s: float


@dataclass(frozen=True)
class Recipe:
    """How a precision is made (configs/recipes/<precision>.toml). `options` are per converter, by its name.

    A file of the user's own says in `precision` which one it makes.
    """

    title: str
    precision: str = ""
    calibration_samples: int = 0
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelConfig:
    """A reference model (configs/models/<name>.toml): what it is built from, trained on and trained how."""

    name: str
    title: str
    dataset: str
    builders: Mapping[str, str]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    full_training: Mapping[str, Any] = field(default_factory=dict)
    golden_samples: int = 256
    golden_bytes: int = 2 << 20
    gates: Mapping[str, Any] = field(default_factory=dict)  # laid over configs/gates.toml: what the data can decide


@dataclass(frozen=True)
class Configs:
    """Every configuration file of a run. `gates` is judged by pipeline.checks.gates."""

    targets: Mapping[str, Target]
    limits: Limits
    recipes: Mapping[Precision, Recipe]
    gates: Mapping[str, Any]


def load(folder: Path | None = None, gates: Path | None = None) -> Configs:
    """The project's configuration; a file of the same name in `folder` (and `gates`) takes its place.

    Raises:
        ConfigError: a file that cannot be read as its kind.
    """

    def read(name: str) -> tuple[dict[str, Any], Path]:
        own = folder / name if folder else None
        path = own if own and own.is_file() else resource(f"configs/{name}")
        return read_toml(path), path

    if folder and not folder.is_dir():
        raise ConfigError(f"the configuration folder {folder} does not exist; copy the project's configs/ and edit it")
    targets, where = read("targets.toml")
    recipes = {precision: parse(Recipe, *read(f"recipes/{precision}.toml")) for precision in Precision}
    gate_values = read_toml(gates) if gates else read("gates.toml")[0]
    for name, target in targets.items():
        if isinstance(target, dict) and target.get("format") not in set(Format):
            raise ConfigError(f"{where}: [{name}] format must be one of {', '.join(Format)}")
    return Configs(
        targets={name: parse(Target, value, where, f"[{name}]") for name, value in targets.items()},
        limits=parse(Limits, *read("limits.toml")),
        recipes=recipes,
        gates=gate_values,
    )


def model_names() -> tuple[str, ...]:
    """The reference models that come with the project."""
    return tuple(sorted(path.stem for path in resource("configs/models").glob("*.toml")))


def load_model(spec: str) -> ModelConfig:
    """A reference model by name, or by the path of a TOML file of the same form.

    Raises:
        UsageError: no such model.
        ConfigError: the file is not of its form.
    """
    path = Path(spec) if spec.endswith(".toml") else resource(f"configs/models/{spec}.toml")
    if not path.is_file():
        raise UsageError(
            f"no model is called {spec!r}{_near(spec, model_names())}; there are {', '.join(model_names())}, "
            "or give your own as file.py:function (it returns an nn.Module or a keras.Model)"
        )
    model = parse(ModelConfig, read_toml(path), path)
    for framework in model.builders:
        if framework not in set(Framework):
            raise ConfigError(f"{path}: [builders] {framework!r} is no framework; use {' or '.join(Framework)}")
    return model


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content.

    Raises:
        ConfigError: it is missing, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"the configuration file {path} does not exist") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None


def parse(cls: type[T], data: Any, path: Path, section: str = "") -> T:
    """`data` as the frozen dataclass `cls`.

    Raises:
        ConfigError: unknown key, missing key or wrong type, with the file, the section and what exists.
    """
    where = f"{path}: {section}".rstrip(": ")
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected a table, found {data!r}")
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {key!r}{_near(key, fields)}; known are {', '.join(fields)}")
    hints = typing.get_type_hints(cls)
    values = {key: _value(value, hints[key], f"{where}: {key}") for key, value in data.items()}
    missing = [
        name
        for name, item in fields.items()
        if name not in values and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} must be given")
    return cls(**values)


def _value(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint) or hint
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where}: expected a list, found {value!r}")
        return tuple(_value(item, typing.get_args(hint)[0], where) for item in value)
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a table, found {value!r}")
        inner = typing.get_args(hint)[1]
        return {key: _value(item, inner, f"{where}.{key}") for key, item in value.items()}
    if hint is Any or origin is types.UnionType:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, origin) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where}: expected {origin.__name__}, found {value!r}")
    return value


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
