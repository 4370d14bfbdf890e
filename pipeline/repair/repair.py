"""The order of a repair: what costs nothing at run time first, then the fewest layers in float that make it pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.contract import Precision
from converters.errors import ConfigError, UnsupportedError
from converters.sensitivity import Sensitivity
from pipeline.checks.float_ops import moves
from pipeline.recipes import load_recipe
from pipeline.repair.candidates import Bench, Candidate
from pipeline.repair.naming import exactly
from pipeline.repair.search import fewest, without_needless

RANGES = ("mse", "percentile-99.99", "percentile-99.9")
MOST_KEPT = 0.5
"""Share of the layers in float beyond which a file is no longer called int8."""
BUDGET = 6
"""Questions whether single layers are needless."""
NOTICED_DB, FEWER = 0.5, 0.95
"""By how much a step that does not yet pass must help to stay: error to outputs, share of changed answers."""


@dataclass(frozen=True)
class Repair:
    """What came of it. `plain` is int8 as it was, `best` the file to use, or the nearest where nothing passes.

    `layers` are those that compute in integers in the plain file; `kept` the names of those of `best` in float.
    """

    plain: Candidate
    best: Candidate
    passed: bool
    layers: tuple[Sensitivity, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...] = ()


def repair(bench: Bench, say: Callable[[str], None], most_kept: float = MOST_KEPT) -> Repair:
    """The file of a problem that passes with the fewest layers in float.

    Args:
        bench: makes and judges files.
        say: hears what is done.
        most_kept: the greatest share of layers that may stay in float.
    """
    plain = bench.candidate({})
    if bench.passes(plain):
        return Repair(plain, plain, True, (), ())
    say("int8 as it stands loses too much; what costs nothing at run time is tried first")
    free = _free(bench, plain)
    if bench.passes(free):
        return Repair(plain, free, True, (), ())
    try:
        found = _ranked(bench, free)
    except UnsupportedError as error:
        return Repair(plain, free, False, (), (), (f"the layers cannot be ranked: {error}",))
    layers = tuple(filter(is_layer, found))
    most = min(int(most_kept * len(layers)), len(found) - 1)  # a file with nothing in 8 bits is no int8 file
    say(f"{len(layers)} layers ranked by what each alone does to the outputs; at most {most} may stay in float")
    return _mixed(bench, plain, free, found, most)


def by_recipe(bench: Bench, path: Path) -> Repair:
    """The file of a recipe, judged; nothing is searched for.

    Raises:
        ConfigError: as `load_recipe`, or a recipe of another precision.
    """
    precision, recipe = load_recipe(path)
    if precision is not Precision.INT8:
        raise ConfigError(f"{path} makes {precision}; repair makes int8")
    made = bench.candidate(recipe.options.get(bench.problem.edge.name, {}))
    return Repair(made, made, bench.passes(made), (), made.kept)


def _mixed(bench: Bench, plain: Candidate, free: Candidate, found: tuple[Sensitivity, ...], most: int) -> Repair:
    layers = tuple(filter(is_layer, found))
    ranked = [layer.name for layer in layers]

    def keeping(names: tuple[str, ...]) -> Candidate:
        whole = (*names, *between(names, found))
        return bench.candidate({**free.options, "keep": [exactly(name) for name in whole]})

    def passes(names: tuple[str, ...]) -> bool:
        return bench.passes(keeping(names))

    kept = fewest(ranked, passes, most)
    if kept is None:
        best = max(bench.found.values(), key=lambda candidate: candidate.worth)
        names = tuple(name for name in ranked if exactly(name) in best.kept)
        return Repair(plain, best, False, layers, names)
    kept = without_needless(kept, passes, BUDGET)
    return Repair(plain, keeping(kept), True, layers, kept)


def _free(bench: Bench, plain: Candidate) -> Candidate:
    """The best of equalization, other ranges and bias correction, each kept where it helps; the first that passes."""
    best = plain
    steps: list[Mapping[str, Any]] = [
        {"equalize": True},
        *({"ranges": name} for name in RANGES),
        {"bias_correction": True},
    ]
    for step in steps:
        tried = bench.candidate({**best.options, **step})
        if bench.passes(tried):
            return tried
        if _clearly_better(tried, best):
            best = tried
    return best


def _clearly_better(one: Candidate, other: Candidate) -> bool:
    """Whether its error is smaller and fewer answers change; what chance does on a few samples is not worth a step."""
    nearer = one.snr_db > other.snr_db + NOTICED_DB
    if one.agreement is None or other.agreement is None:
        return nearer
    return nearer and 1 - one.agreement < FEWER * (1 - other.agreement)


def is_layer(row: Sensitivity) -> bool:
    """Whether an operator has an error of its own: it computes, or brings several tensors to one range."""
    return not moves(row.type) or len(row.reads) > 1


def between(kept: tuple[str, ...], found: tuple[Sensitivity, ...]) -> tuple[str, ...]:
    """What only moves values from a kept layer to a kept layer: in 8 bits it would undo what they are kept for."""
    added: list[str] = []
    while True:
        known = {*kept, *added}
        more = [
            row.name
            for row in found
            if moves(row.type)
            and row.name not in known
            and row.reads
            and known.issuperset(row.reads)
            and _leads_to(row.name, known, found)
        ]
        if not more:
            return tuple(added)
        added += more


def _leads_to(name: str, kept: set[str], found: tuple[Sensitivity, ...]) -> bool:
    """Whether a kept layer reads a tensor, perhaps moved again."""
    readers = [row for row in found if name in row.reads]
    return any(row.name in kept or (moves(row.type) and _leads_to(row.name, kept, found)) for row in readers)


def _ranked(bench: Bench, candidate: Candidate) -> tuple[Sensitivity, ...]:
    problem = bench.problem
    found: tuple[Sensitivity, ...] = bench.pool.call(
        problem.edge.worker,
        "converters.sensitivity:sensitivities",
        bench.limits.measure_s,
        edge=problem.edge.name,
        source=problem.source,
        quantized=candidate.artifact,
        calibration=problem.calibration,
        options=dict(candidate.options),
    )
    return tuple({row.name: row for row in found}.values())
