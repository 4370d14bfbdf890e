"""Configuration and gates together, the user's laid over the project's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters import registry
from pipeline import config
from pipeline.checks.gates import ALONE, Gates, parse_gates
from pipeline.config import Configs, ModelConfig


def load_configs(
    folder: Path | None,
    gates_file: Path | None,
    model: ModelConfig | None = None,
    gates: Mapping[str, Any] | None = None,
) -> tuple[Configs, Gates]:
    """Every configuration file of a run, the user's laid over ours; gates of a reference model lie between.

    `gates` are those of a project file, which a gates file takes the place of.
    """
    configs = config.load(folder)
    override = config.read_toml(gates_file) if gates_file else dict(gates or {}) or None
    names = {spec.name for spec in registry.runtimes()} | {ALONE}
    return configs, parse_gates(configs.gates, override, names, model.gates if model else None)
