"""`make bench`: measures the figures and prints each beside its goal. The exit code says whether one was missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import accuracy, devices, every, export, fresh, golden, latency, parity, route, start, toolchains
from benchmarks.figure import Figure, exit_code, line
from benchmarks.workshop import Workshop
from converters.errors import EdgeExportError, UnavailableError

Group = Callable[[Workshop], Iterator[Figure]]

GROUPS: Mapping[str, Group] = {
    "help": start.help_figures,
    "export": export.figures,
    "parity": parity.figures,
    "accuracy": accuracy.figures,
    "golden": golden.figures,
    "rerun": start.rerun_figures,
    "latency": latency.figures,
    "route": route.figures,
    "every": every.figures,
    "toolchains": toolchains.figures,
    "devices": devices.figures,
    "fresh": fresh.figures,
}


def measure(names: list[str], workshop: Workshop, groups: Mapping[str, Group]) -> Iterator[Figure]:
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


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every goal was met, 1 when one was missed, 2 for a wrong option."""
    options = _options(arguments)
    names = options.only or [name for name in GROUPS if name != "fresh" or options.fresh]
    figures: list[Figure] = []
    load = os.getloadavg()
    host = f"{platform.platform()}, {os.cpu_count()} cores, load {load[0]:.1f}"
    if load[0] > 0.5:
        host += ": busy, times may be too long"
    _say(host, options.json)
    with tempfile.TemporaryDirectory(prefix="edge-export-bench-") as folder:
        workspace = options.workspace or Path(folder) / "workspace"
        workshop = Workshop(Path(folder), workspace.resolve(), options.trials)
        try:
            for figure in measure(names, workshop, GROUPS):
                figures.append(figure)
                _say(line(figure), options.json)
        finally:
            workshop.close()
    if not options.only and not options.fresh:
        figures += fresh.not_run()
        for figure in fresh.not_run():
            _say(line(figure), options.json)
    if options.json:
        rows = [figure.to_json() for figure in figures]
        document = {"schema_version": 1, "host": host, "load_average": [load[0], os.getloadavg()[0]], "figures": rows}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    return exit_code(figures)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, the rest on stderr")
    parser.add_argument("--workspace", type=Path, help="take what is stored here instead of training anew")
    parser.add_argument("--fresh", action="store_true", help="also install and export in a new clone: 15 minutes, 7 GB")
    parser.add_argument("--trials", type=int, default=200, help="of the latency harness on itself (default: 200)")
    options = parser.parse_args(arguments)
    if options.trials < 1:
        parser.error(f"--trials {options.trials}: nothing measured proves nothing, give at least 1")
    return options


def _say(text: str, as_json: bool) -> None:
    stream = sys.stderr if as_json else sys.stdout
    stream.write(text + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
