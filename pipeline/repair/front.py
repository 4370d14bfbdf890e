"""What the files of a repair cost and lose, and which of them no other one beats at everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from converters.errors import EdgeExportError
from pipeline.checks import paired
from pipeline.checks.gates import LatencyGate
from pipeline.checks.metrics.accuracy import correct
from pipeline.race import race
from pipeline.repair.candidates import Bench, Candidate
from pipeline.repair.repair import Repair


@dataclass(frozen=True)
class Row:
    """One file. `accuracy` is a share, with its loss in points and the interval of that; None without labels.

    `latency_ratio` is its time to that of the float file, with its interval; None where it was not measured.
    """

    name: str
    kept: int
    size_bytes: int
    accuracy: float | None
    drop_points: float | None
    drop_low: float | None
    drop_high: float | None
    agreement: float | None
    snr_db: float
    samples: int
    outcome: str
    latency_ratio: float | None = None
    latency_low: float | None = None
    latency_high: float | None = None
    on_front: bool = False
    chosen: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict."""
        return asdict(self)


def rows(bench: Bench, found: Repair) -> list[Row]:
    """The float file first, then every file that was judged, in the order in which they were made.

    The front is by the best estimates: no file on it is beaten in size and in what it keeps by another.
    """
    made = [_row(bench, candidate, chosen=candidate is found.best) for candidate in bench.files]
    marked = [replace(row, on_front=not any(_beats(other, row) for other in made)) for row in made]
    return [_float_row(bench), *marked]


def timed(
    bench: Bench, table: Sequence[Row], gate: LatencyGate, budget_s: float, most: int = 6
) -> tuple[list[Row], list[str]]:
    """The table with times beside the float file's of the plain file, the chosen one and the front; what failed."""
    notes: list[str] = []
    by_name = {_name(candidate): candidate for candidate in bench.files}
    plain = next(iter(by_name))
    wanted = [row.name for row in sorted(table[1:], key=lambda r: (not r.chosen, r.name != plain, r.kept))]
    wanted = [
        name for name in wanted if any(r.name == name and (r.on_front or r.chosen or name == plain) for r in table)
    ]
    done = []
    for row in table:
        if row.name not in wanted[:most] or row.name not in by_name:
            done.append(replace(row, latency_ratio=1.0) if row is table[0] else row)
            continue
        paths = by_name[row.name].artifact.path, bench.problem.source.path
        try:
            check = race(*paths, "random", ("", ""), budget_s, 1, gate, bench.pool, bench.limits)
            ratio, low, high = (_metric(check.metrics, name) for name in ("ratio", "ratio_low", "ratio_high"))
            done.append(replace(row, latency_ratio=ratio, latency_low=low, latency_high=high))
        except EdgeExportError as error:
            notes.append(f"{row.name} was not timed: {error}")
            done.append(row)
    return done, notes


def _metric(metrics: Any, name: str) -> float | None:
    value = metrics.get(name)
    return float(value) if isinstance(value, int | float) else None


def _row(bench: Bench, candidate: Candidate, *, chosen: bool) -> Row:
    low, high = _interval(bench, candidate)
    return Row(
        name=_name(candidate),
        kept=len(candidate.kept),
        size_bytes=candidate.artifact.size_bytes,
        accuracy=candidate.accuracy,
        drop_points=candidate.drop_points,
        drop_low=low,
        drop_high=high,
        agreement=candidate.agreement,
        snr_db=candidate.snr_db,
        samples=candidate.samples,
        outcome=candidate.check.outcome.value,
        chosen=chosen,
    )


def _float_row(bench: Bench) -> Row:
    accuracy = None
    if bench.targets is not None and bench.output:
        accuracy = float(correct(bench.targets, bench.reference[bench.output]).mean())
    size = bench.problem.source.size_bytes
    drop = None if accuracy is None else 0.0
    return Row("float32", 0, size, accuracy, drop, drop, drop, 1.0, 200.0, bench.count, bench.at_best.outcome.value)


def _interval(bench: Bench, candidate: Candidate) -> tuple[float | None, float | None]:
    low, high = (_metric(candidate.check.metrics, f"drop_points_{end}") for end in ("low", "high"))
    if low is None and candidate.drop_points is not None:
        change = candidate.drop_points * candidate.samples / 100
        lost, won = max(round(change), 0), max(round(-change), 0)
        ends = paired.drop_interval(lost, won, candidate.samples)
        return 100 * ends[0], 100 * ends[1]
    return low, high


def _name(candidate: Candidate) -> str:
    """`int8 equalize mse, 3 in float`: what was done; the names of layers are in the recipe."""
    options = candidate.options
    words = ["int8", *(key for key in ("equalize", "bias_correction") if options.get(key))]
    words += [options["ranges"]] if options.get("ranges", "minmax") != "minmax" else []
    kept = len(candidate.kept)
    mark = f" ({candidate.artifact.sha256[:4]})" if kept else ""
    return " ".join(words) + (f", {kept} in float{mark}" if kept else "")


def _beats(one: Row, other: Row) -> bool:
    """No larger, no less accurate, and better in one of them."""
    ours, theirs = (one.size_bytes, -_quality(one)), (other.size_bytes, -_quality(other))
    return all(a <= b for a, b in zip(ours, theirs, strict=True)) and ours != theirs


def _quality(row: Row) -> float:
    if row.drop_points is not None:
        return -row.drop_points
    return row.snr_db
