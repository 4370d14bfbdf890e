"""`make bench`: measures the figures and prints each beside its goal. The exit code says whether one was missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks import accuracy, devices, every, export, fresh, golden, latency, parity, route, start, toolchains
from benchmarks.bench import Asked, Group, bench

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


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every goal was met, 1 when one was missed, 2 for a wrong option."""
    options = _options(arguments)
    names = options.only or [name for name in GROUPS if name != "fresh" or options.fresh]
    not_asked = [] if options.only or options.fresh else fresh.not_run()
    return bench(Asked(names, options.json, options.workspace, options.trials), GROUPS, not_asked)


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


if __name__ == "__main__":
    sys.exit(main())
