"""What a stranger waits for: a clone in a new folder, its environment, and the main job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.workshop import ROOT, Workshop

STEPS = (
    ("make setup, new machine", ("make", "setup"), 3 * 60.0),
    ("make export TARGET=tflite, new machine", ("make", "export", "TARGET=tflite"), 10 * 60.0),
)


def figures(workshop: Workshop, root: Path = ROOT) -> Iterator[Figure]:
    """Clones the last commit and times both commands; the wheels come from wherever uv finds them."""
    clone = workshop.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(root), str(clone)], check=True)
    inherited = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in inherited}
    try:
        for what, command, goal in STEPS:
            start = time.perf_counter()
            done = subprocess.run(command, cwd=clone, env=environment, stdout=sys.stderr, check=False)
            seconds = time.perf_counter() - start
            detail = f"exit code {done.returncode}"
            yield Figure("fresh", what, seconds, goal, "s", detail, broken=done.returncode != 0)
            if done.returncode:
                return
    finally:
        shutil.rmtree(clone, ignore_errors=True)


def not_run() -> Iterator[Figure]:
    """The figures without a value, and the command that measures them."""
    for what, _, goal in STEPS:
        yield Figure("fresh", what, None, goal, "s", 'installs everything anew: make bench ARGS="--fresh"')
