"""How every `make bench...` goes: groups are measured in turn, and each figure is shown beside its goal as it comes."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure, exit_code, line
from benchmarks.workshop import Workshop
from converters.errors import EdgeExportError, UnavailableError

Group = Callable[[Workshop], Iterator[Figure]]
_BUSY = 0.5


@dataclass(frozen=True)
class Asked:
    """What the command line asks for. `workspace` is a new one where none is given."""

    names: Sequence[str]
    json: bool = False
    workspace: Path | None = None
    trials: int = 200


def bench(asked: Asked, groups: Mapping[str, Group], not_asked: Iterable[Figure] = ()) -> int:
    """Measures and prints; the exit code: 0 when every goal was met, 1 when one was missed.

    Args:
        asked: the groups by name, and how they are shown.
        groups: all there are.
        not_asked: what is told at the end although nothing was measured.
    """
    load = os.getloadavg()[0]
    host = f"{platform.platform()}, {os.cpu_count()} cores, load {load:.1f}"
    _say(f"{host}: busy, times may be too long" if load > _BUSY else host, asked.json)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="edge-export-bench-") as folder:
        workspace = asked.workspace or Path(folder) / "workspace"
        workshop = Workshop(Path(folder), workspace.resolve(), asked.trials)
        try:
            for figure in measure(asked.names, workshop, groups):
                figures.append(figure)
                _say(line(figure), asked.json)
        finally:
            workshop.close()
    for figure in not_asked:
        figures.append(figure)
        _say(line(figure), asked.json)
    if asked.json:
        rows = [figure.to_json() for figure in figures]
        document = {"schema_version": 1, "host": host, "load_average": [load, os.getloadavg()[0]], "figures": rows}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    return exit_code(figures)


def measure(names: Iterable[str], workshop: Workshop, groups: Mapping[str, Group]) -> Iterator[Figure]:
    """The figures of the groups, as they come; a group that cannot be measured is one failed figure."""
    for name in names:
        sys.stderr.write(f"... measuring {name}\n")
        try:
            yield from groups[name](workshop)
        except EdgeExportError as error:
            broken = not isinstance(error, UnavailableError)  # which says what would make it run
            yield Figure(
                name, f"{name}: not measured", None, 0.0, "", f"{type(error).__name__}: {error}", broken=broken
            )


def _say(text: str, as_json: bool) -> None:
    stream = sys.stderr if as_json else sys.stdout
    stream.write(text + "\n")
    stream.flush()
