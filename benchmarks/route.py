"""Whether `ROUTE=best` takes the fastest: its file is timed again beside that of every other route that passes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.reference_models import MODEL
from benchmarks.workshop import Workshop, command, started
from converters import registry
from converters.errors import ToolkitError
from converters.timing import Pairing
from pipeline.bundle import open_bundle
from pipeline.checks.latency import Comparison, compare
from pipeline.checks.sequential import time_in_worker
from pipeline.configs import load_configs

GOAL = 1.0
TARGETS = "tflite,executorch"
"""Those that several routes lead to."""
PRECISIONS = "fp32,int8"
"""A float and an integer one: the choice is made in the same way in each."""
BUDGET_S = 10.0
SEED = 7
PASSING = ("PASSED", "NOT_RUN")


@dataclass(frozen=True)
class Rivals:
    """A file that several routes lead to: the file that was taken, and those that were not though they pass."""

    subject: str
    runtime: str
    taken: str
    others: tuple[str, ...]


def figures(workshop: Workshop) -> Iterator[Figure]:
    """The taken file's time to that of any other, as far as it is sure: the least that the interval leaves it."""
    report, bundle = _run(workshop, "best")
    found = rivals(report)
    weighed = {one["route"] for choice in report["choices"] for one in choice["candidates"]}
    if found:
        _, bundle = _run(workshop, ",".join(sorted(weighed)))
    yield figure([(one, other, _timed(workshop, bundle, one, other)) for one in found for other in one.others])


def rivals(report: Mapping[str, Any]) -> list[Rivals]:
    """What a report says of files that several routes lead to and pass; who was slower is proved no further."""
    found = []
    for choice in report["choices"]:
        passing = {one["route"]: one["artifact"] for one in choice["candidates"] if one["outcome"] in PASSING}
        taken = passing.pop(choice["route"], "")
        if taken and passing and choice["fastest"]:
            subject = " ".join(choice[key] for key in ("framework", "target", "precision"))
            found.append(Rivals(subject, choice["runtime"], taken, tuple(passing.values())))
    return found


def figure(timed: Sequence[tuple[Rivals, str, Comparison]]) -> Figure:
    """The worst of all comparisons of a taken file with another, to the hundredth that the goal is given to."""
    what = "ROUTE=best: its latency / the fastest passing route's"
    if not timed:
        remedy = "`edge-export toolchains build` makes more routes"
        return Figure("route", what, None, GOAL, "", f"no file has two routes that pass here; {remedy}")
    one, other, worst = max(timed, key=lambda row: row[2].found.low)
    interval = f"{worst.found.ratio:.3f} ({worst.found.low:.3f} to {worst.found.high:.3f})"
    files = len({row[0].subject for row in timed})
    detail = f"least of the interval; {files} files, {len(timed)} rivals; nearest {one.taken} / {other} {interval}"
    return Figure("route", what, round(worst.found.low, 2), GOAL, "", detail)


def _run(workshop: Workshop, route: str) -> tuple[dict[str, Any], Path]:
    out = workshop.folder / f"dist {'best' if route == 'best' else 'all'}"
    arguments = ["run", "--target", TARGETS, "--precision", PRECISIONS, "--route", route]
    arguments += ["--workspace", str(workshop.workspace)]
    _, done = started(command(*arguments, "--out", str(out)), workshop.folder, stdout=sys.stderr)
    path = out / MODEL / "report" / "report.json"
    if done.returncode not in (0, 1) or not path.is_file():
        raise ToolkitError(f"edge-export run ended with exit code {done.returncode} and without a report")
    return json.loads(path.read_text(encoding="utf-8")), out / MODEL


def _timed(workshop: Workshop, bundle: Path, one: Rivals, other: str) -> Comparison:
    opened = open_bundle(bundle)
    artifacts = {artifact.path.name: artifact for artifact in opened.artifacts}
    a, b = artifacts[one.taken], artifacts[other]
    pairing = Pairing(one.runtime, a, one.runtime, b, opened.golden[a.framework])
    limits, gate = workshop.configs.limits, load_configs(None, None)[1].latency.racing

    def call(target: str, **arguments: Any) -> Any:
        return workshop.pool.call(registry.runtime(one.runtime).worker, target, limits.latency_s, **arguments)

    return compare(time_in_worker(call, pairing, gate, BUDGET_S, SEED), gate)
