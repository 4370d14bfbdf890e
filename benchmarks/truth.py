"""`make bench-truth`: how well faults are found, repaired and timed, each figure beside its goal."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks import latency, repair
from benchmarks.__main__ import Group, measure
from benchmarks.figure import Figure, exit_code, line
from benchmarks.mutation import figures as mutation
from benchmarks.workshop import Workshop

ROOT = Path(__file__).resolve().parent.parent
GROUPS: Mapping[str, Group] = {
    "mutation": mutation.mutation_figures,
    "drift": mutation.speed_figures,
    "repair": repair.figures,
    "latency": latency.figures,
}


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every goal was met, 1 when one was missed, 2 for a wrong option."""
    options = _options(arguments)
    say = sys.stderr if options.json else sys.stdout
    load = os.getloadavg()[0]
    host = f"{platform.platform()}, {os.cpu_count()} cores, load {load:.1f}{': busy' if load > 0.5 else ''}"
    say.write(host + "\n")
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="edge-export-truth-") as folder:
        workshop = Workshop(Path(folder), options.workspace.resolve(), options.trials)
        try:
            for figure in measure(options.only or list(GROUPS), workshop, GROUPS):
                found.append(figure)
                say.write(line(figure) + "\n")
                say.flush()
        finally:
            workshop.close()
    if options.json:
        rows = [figure.to_json() for figure in found]
        sys.stdout.write(json.dumps({"schema_version": 1, "host": host, "figures": rows}, indent=1) + "\n")
    return exit_code(found)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-truth", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, the rest on stderr")
    parser.add_argument("--workspace", type=Path, default=ROOT / ".edge-export", help="where trials and files are kept")
    parser.add_argument("--trials", type=int, default=200, help="of the latency harness on itself (default: 200)")
    options = parser.parse_args(arguments)
    if options.trials < 1:
        parser.error(f"--trials {options.trials}: nothing measured proves nothing, give at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
