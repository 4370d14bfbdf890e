"""What a sealed toolchain that exists adds to a conversion, beyond the start of its Python and its own imports."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop, started
from converters import registry
from converters.errors import ToolkitError

GOAL_S = 0.3
RUNS = 5
PROGRAM = """
import json, os, subprocess, sys, time
from pathlib import Path
from converters import registry
from converters.worker import WorkerPool
start = time.perf_counter()
with WorkerPool(Path(sys.argv[2]), 1 << 33) as pool:
    pool.call(sys.argv[1], "os:getpid", 60.0)
    ready = time.perf_counter() - start
how = registry.launch(sys.argv[1])
start = time.perf_counter()
subprocess.run([*how.command, "-P", "-c", "import numpy"], env={**os.environ, **how.env}, check=True)
print(json.dumps([ready, time.perf_counter() - start]))
"""
"""Seconds until the environment is looked through and a worker in it answers; those of its bare Python with numpy."""


def figures(workshop: Workshop) -> Iterator[Figure]:
    """One for each toolchain, measured in processes of their own, so that nothing is known from before."""
    for chain in registry.toolchains():
        pairs = [_pair(workshop, chain.name) for _ in range(RUNS + 1)] if registry.made(chain.name) else []
        yield figure(chain.name, pairs)


def figure(name: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    """The median difference without the first start, which may read the disk; none where the toolchain is missing."""
    what = f"toolchain {name} beyond its own imports"
    if not pairs:
        return Figure("toolchains", what, None, GOAL_S, "s", f"`edge-export toolchains build {name}` first")
    added = statistics.median(ready - bare for ready, bare in pairs[1:])
    return Figure("toolchains", what, added, GOAL_S, "s", f"median of {len(pairs) - 1}")


def _pair(workshop: Workshop, name: str) -> tuple[float, float]:
    arguments = [sys.executable, "-c", PROGRAM, name, str(workshop.folder / "logs")]
    _, done = started(arguments, workshop.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise ToolkitError(f"toolchain {name} does not start: {done.stderr[-500:]}")
    ready, bare = json.loads(done.stdout)
    return ready, bare
