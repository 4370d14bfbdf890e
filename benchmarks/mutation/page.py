"""docs/mutation.md: what was planted, what was found, what was missed, beside what naive gates find."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.mutation.trial import Sort

Rows = list[dict[str, Any]]
PACKAGES = (
    "numpy",
    "ai-edge-litert",
    "onnxruntime",
    "onnx",
    "torch",
    "tensorflow-cpu",
    "ai-edge-quantizer",
    "coremltools",
)
PAIRINGS = {
    "same": "the same file",
    "calibrated": "the same route, calibrated on other samples",
    "float": "the float file of its route",
    "format": "the float file of another format",
    "source": "the model in its framework",
}
_TOP = """# Mutation score: what `drift` finds, and what it misses

Faults are planted into honest files, one at a time, and honest files are changed in ways that change nothing. `drift`
has to fail the first and to pass the second. This page is written by `make mutation`; nothing on it is written by hand.

Only faults count that change an output on some legal input: the honest file and the faulty one are run on random
inputs, on inputs at the ends of the range and on noise of several sizes. Exchanged names and labels, and operators left
in float in a file of 8 bits, count without: their users see them. A fault is *caught* when the verdict is FAILED, and
its *layer* is found when the operator that it was planted into is the first suspect (or among the suspects); of an
operator that was left out one of those beside it, of a constant that several read any of these. Beside it stand two
gates as they are often used: the largest difference of an output on one random input is at most 1e-2, and
the same class comes first on six.
"""


def totals(rows: Rows) -> dict[str, Any]:
    """Counts over all rows, as the JSON and the figures show them."""
    faults, honest = (_of(rows, sort) for sort in (Sort.FAULT, Sort.HONEST))
    placed = [row for row in faults if row["place"] not in (None, -1)]
    return {
        "faults": len(faults),
        "caught": _count(faults, "caught"),
        "with_a_layer": len(placed),
        "layer_first": _count(placed, "first"),
        "layer_among": _count(placed, "among"),
        "honest": len(honest),
        "false_alarms": _count(honest, "caught"),
        "fault_kinds": len({row["kind"] for row in faults}),
        "honest_kinds": len({row["kind"] for row in honest}),
        "files": len({row["subject"] for row in rows}),
        "no_effect": len(_of(rows, Sort.NO_EFFECT)),
        "does_not_run": len(_of(rows, Sort.DOES_NOT_RUN)),
        "naive_max_abs": sum(bool(row["naive"].get("max_abs_1e-2")) for row in faults),
        "naive_top_1": sum(bool(row["naive"].get("top_1")) for row in faults),
    }


def page(rows: Rows, command: str, commit: str = "") -> str:
    """The page, whole; `commit` names the code that gave the verdicts, where that is known."""
    return "\n".join(
        [
            _TOP,
            *_summary(rows),
            *_held_against(rows),
            *_by_kind(rows),
            *_by_change(rows),
            *_missed(rows),
            *_made(command, commit),
            "",
        ]
    )


def _summary(rows: Rows) -> Iterator[str]:
    found = totals(rows)
    share = _share(found["layer_first"], found["with_a_layer"])
    faults = f"**{found['caught']} of {found['faults']} faults** of {found['fault_kinds']} kinds"
    yield f"{faults} in {found['files']} files are caught,"
    yield f"{share} of those that have a layer in exactly that layer;"
    honest = f"**{found['false_alarms']} of {found['honest']} honest files** of {found['honest_kinds']} kinds"
    yield f"{honest} are taken for faulty."
    naive = f"{found['naive_max_abs']} (largest difference) and {found['naive_top_1']} (first class)"
    yield f"The naive gates catch {naive}."
    aside = f"{found['no_effect']} faults that change no output, {found['does_not_run']} files that no runtime opens"
    yield f"Set aside: {aside}."


def _held_against(rows: Rows) -> Iterator[str]:
    heads = ("file", "held against", "faults", "caught", "exact layer", "among the suspects", "largest difference")
    heads += ("first class", "honest", "false alarms", "seconds")
    yield "\n## By format and by what the file is held against\n"
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for format in sorted({row["format"] for row in rows}):
        for pairing, words in PAIRINGS.items():
            some = [row for row in rows if row["format"] == format and row["pairing"] == pairing]
            if not _of(some, Sort.FAULT) and not _of(some, Sort.HONEST):
                continue
            found = totals(some)
            cells = [format, words, found["faults"], found["caught"]]
            cells += [_of_layers(found, name) for name in ("layer_first", "layer_among")]
            cells += [found[name] for name in ("naive_max_abs", "naive_top_1", "honest", "false_alarms")]
            times = sorted(row["seconds"] for row in some if row["seconds"])
            cells.append(f"{times[len(times) // 2]:.2g} (most {times[-1]:.2g})" if times else "-")
            yield f"| {' | '.join(map(str, cells))} |"


def _by_kind(rows: Rows) -> Iterator[str]:
    faults = _of(rows, Sort.FAULT)
    for family in sorted({row["family"] for row in faults}):
        yield f"\n## Faults in {family}\n"
        yield "| fault | planted | caught | exact layer | largest difference | first class |"
        yield "|---|---|---|---|---|---|"
        for kind, some in _groups([row for row in faults if row["family"] == family], lambda row: row["kind"]):
            found = totals(some)
            cells = [
                found["faults"],
                found["caught"],
                _of_layers(found, "layer_first"),
                found["naive_max_abs"],
                found["naive_top_1"],
            ]
            yield f"| {kind} | {' | '.join(map(str, cells))} |"


def _by_change(rows: Rows) -> Iterator[str]:
    yield "\n## Honest changes\n"
    yield "| change | tried | taken for faults |"
    yield "|---|---|---|"
    for kind, some in _groups(_of(rows, Sort.HONEST), lambda row: row["kind"]):
        yield f"| {kind} | {len(some)} | {_count(some, 'caught')} |"


def _missed(rows: Rows) -> Iterator[str]:
    yield "\n## Missed, and false alarms\n"
    missed = [row for row in _of(rows, Sort.FAULT) if not row["caught"]]
    alarms = [row for row in _of(rows, Sort.HONEST) if row["caught"]]
    if not missed and not alarms:
        yield "None."
        return
    yield "| what | file | held against | seed | effect, share of the range | said |"
    yield "|---|---|---|---|---|---|"
    for what, some in (("missed", missed), ("false alarm", alarms)):
        for row in some:
            said = row["said"].replace("\n", " ")[:160]
            cells = [f"{what}: {row['kind']}", row["subject"], PAIRINGS[row["pairing"]], row["seed"]]
            cells += [_number(row["effect"]), said or "nothing"]
            yield f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def _made(command: str, commit: str) -> Iterator[str]:
    yield "\n## How it was made\n"
    command = f"`{command}`" + (f" at commit {commit}" if commit else "")
    names = ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    yield f"{command}, Python {platform.python_version()}, {names}."
    yield "Faults in ranges that every kernel follows are held against the same file only: against a float file they"
    yield "are another calibration. So are, of a float16 file, changes within its rounding."
    yield "One row again: `make mutation ARGS=\"--kind 'its name' --subject 'its file' --every 1\"`."


def _of(rows: Rows, sort: Sort) -> Rows:
    return [row for row in rows if row["sort"] == sort]


def _count(rows: Rows, name: str) -> int:
    return sum(bool(row[name]) for row in rows)


def _of_layers(found: dict[str, Any], name: str) -> str:
    return f"{found[name]} of {found['with_a_layer']}" if found["with_a_layer"] else "-"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _groups(rows: Rows, key: Callable[[dict[str, Any]], str]) -> Iterable[tuple[str, Rows]]:
    groups: dict[str, Rows] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return sorted(groups.items())


def _number(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
