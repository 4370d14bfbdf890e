"""`make bench-truth`: how well faults are found, repaired and timed, each figure beside its goal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks import latency, repair
from benchmarks.bench import Asked, Group, bench
from benchmarks.mutation import figures as mutation

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
    return bench(Asked(options.only or list(GROUPS), options.json, options.workspace, options.trials), GROUPS)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-truth", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, the rest on stderr")
    parser.add_argument(
        "--workspace", type=Path, default=ROOT / "build" / "bench", help="where trials and files are kept"
    )
    parser.add_argument("--trials", type=int, default=200, help="of the latency harness on itself (default: 200)")
    options = parser.parse_args(arguments)
    if options.trials < 1:
        parser.error(f"--trials {options.trials}: nothing measured proves nothing, give at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
