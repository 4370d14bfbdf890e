"""A unit of work with a stored result, and what it may use while it works."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from converters import registry
from pipeline.config import Limits
from pipeline.store import Entry, digest, file_sha256

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Context:
    """What the work of a task may use: the folder to fill, the results it needs, workers and progress.

    `call(worker, target, timeout_s, **arguments)` runs a function in a worker process. `scratch` is a folder of the
    task's own that outlives a killed run (checkpoints); `warn` says something that the user must know.
    """

    folder: Path
    needs: Mapping[str, Entry]
    call: Callable[..., Any]
    progress: Callable[[dict[str, Any]], None]
    warn: Callable[[str], None]
    scratch: Path


@dataclass(frozen=True)
class Task:
    """`work` fills a folder; the result is kept under a key made of `ingredients` and of the keys of `needs`.

    `lane` names the worker that does the work: tasks of one lane wait while there are others to do.
    `exclusive` work runs alone on the machine: it uses every core, or it measures time.
    """

    name: str
    stage: str
    ingredients: Mapping[str, str]
    work: Callable[[Context], None]
    needs: Mapping[str, Task] = field(default_factory=dict)
    lane: str = ""
    exclusive: bool = False

    @cached_property
    def all_ingredients(self) -> dict[str, str]:
        """The ingredients, those of the needs as `result of <task> as <role>`: which is which makes a result, too."""
        return {**self.ingredients, **{f"result of {one.name} as {role}": one.key for role, one in self.needs.items()}}

    @cached_property
    def key(self) -> str:
        """The content address of the result."""
        return digest([self.stage, self.all_ingredients])


@cache
def code(*places: str) -> str:
    """A digest of source files: of a folder (`converters/litert`), or by pattern (`converters/*.py`)."""
    files: list[Path] = []
    for place in places:
        files += sorted((ROOT / place).rglob("*.py")) if (ROOT / place).is_dir() else sorted(ROOT.glob(place))
    return digest([[str(file.relative_to(ROOT)), file_sha256(file)] for file in files])


def versions(packages: tuple[str, ...]) -> str:
    """`torch 2.13.0, numpy 2.4.6` of what is installed."""
    return ", ".join(f"{package} {registry.version(package) or 'missing'}" for package in packages)


def worker_limits(limits: Limits) -> int:
    """The memory that one worker may use, in bytes."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * limits.memory_fraction)
