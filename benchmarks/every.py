"""How long every route and precision of the reference model takes, trained models and toolchains being there."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.workshop import Workshop, command, started
from converters import registry
from pipeline.display import STAGES

GOAL_S = 600.0
WHAT = "every route and precision of the reference model"
AGAIN = tuple(stage for stage in STAGES if stage not in ("data", "train"))
"""Stages that are run though another figure's run, in the same workspace, has done them."""


def figures(workshop: Workshop) -> Iterator[Figure]:
    """Seconds of `edge-export run --target all --route all`, the training before it left out."""
    cold = [chain.name for chain in registry.toolchains() if not registry.made(chain.name)]
    if cold:
        yield not_run(cold)
        return
    place = ["--workspace", str(workshop.workspace)]
    started(command("train", "fashion-cnn", *place), workshop.folder, stdout=sys.stderr)
    run = ["run", "--target", "all", "--route", "all", "--force", ",".join(AGAIN), *place]
    run += ["--out", str(workshop.folder / "dist every")]
    seconds, done = started(command(*run), workshop.folder, stdout=sys.stderr)
    yield figure(seconds, done.returncode)


def not_run(cold: list[str]) -> Figure:
    """What would make it run."""
    return Figure("every", WHAT, None, GOAL_S, "s", f"`edge-export toolchains build {' '.join(cold)}` first")


def figure(seconds: float, code: int) -> Figure:
    """The figure of a run; one that ended before its report misses the goal."""
    detail = f"edge-export run --target all --route all, exit code {code}; wants a quiet machine"
    return Figure("every", WHAT, seconds, GOAL_S, "s", detail, broken=code not in (0, 1))
