"""What a sweep found, counted, and as the page docs/coverage.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converters.contract import Format
from pipeline.coverage.cases import Case, Corpus
from pipeline.coverage.trial import Result, Trial
from pipeline.coverage.ways import Way

_MARKS = {
    Result.RIGHT: "right",
    Result.REFUSED: "refused",
    Result.WRONG: "**wrong**",
    Result.CRASHED: "crashed",
    Result.FAILED_AT_RUN: "failed at run",
}
_LONGEST = 160

Results = Mapping[str, Mapping[str, Trial]]


@dataclass(frozen=True)
class Count:
    """One route's outcomes. `passed_wrong` is what must be none: wrong, and passed by the product's own check."""

    way: str
    tried: int
    of: int
    results: Mapping[Result, int]
    passed: int
    passed_wrong: tuple[str, ...]


def count(way: Way, trials: Mapping[str, Trial], cases: Sequence[Case]) -> Count:
    """The outcomes of a route on these cases."""
    known = [trials[case.name] for case in cases if case.name in trials]
    found = Counter(trial.result for trial in known)
    wrong = tuple(trial.case for trial in known if trial.result is Result.WRONG and trial.passed)
    right = sum(trial.passed for trial in known if trial.result is Result.RIGHT)
    return Count(way.name, len(known), len(cases), {kind: found[kind] for kind in Result}, right, wrong)


def right_by_some(results: Results, ways: Sequence[Way], cases: Sequence[Case]) -> int:
    """Cases that one of the routes does right."""
    return sum(
        any((trial := results[way.name].get(case.name)) is not None and trial.result is Result.RIGHT for way in ways)
        for case in cases
    )


def by_target(ways: Sequence[Way]) -> dict[Format, list[Way]]:
    """Routes by the format that they lead to."""
    found: dict[Format, list[Way]] = {}
    for way in ways:
        found.setdefault(way.target, []).append(way)
    return found


def main_cases(cases: Sequence[Case]) -> list[Case]:
    """The cases without those that repeat another for one more opset, and those of chance."""
    return [case for case in cases if not case.repeats and not case.random]


def summary(corpus: Corpus, cases: Sequence[Case], ways: Sequence[Way], results: Results) -> list[str]:
    """A sweep in a few lines."""
    lines = []
    for way in ways:
        row = count(way, results[way.name], cases)
        said = ", ".join(f"{number} {kind}" for kind, number in row.results.items() if number)
        untried = f", {row.of - row.tried} not tried" if row.tried < row.of else ""
        passed = f"; of the right ones {row.passed} PASSED" if row.passed < row.results[Result.RIGHT] else ""
        lines.append(f"{way.name}: {said or 'nothing'}{untried}{passed}")
        if row.passed_wrong:
            lines.append(f"  WRONG AND PASSED: {', '.join(row.passed_wrong)}")
    main = main_cases(cases)
    for target, there in by_target(ways).items():
        found = right_by_some(results, there, cases)
        part = f" ({right_by_some(results, there, main)} of {len(main)} without repeats and chance)"
        lines.append(
            f"right by some route to {target}: {found} of {len(cases)}{part if len(main) < len(cases) else ''}"
        )
    return lines


def page(sections: Sequence[tuple[Corpus, Sequence[Case], Sequence[Way], Results, Mapping[str, Any]]]) -> str:
    """The page of a sweep, in Markdown."""
    lines = [
        "# Operator coverage",
        "",
        "Made by `edge-export coverage --page docs/coverage.md` (`make coverage`); not edited by hand.",
        "",
        "Each case is a small model of one operator, or of one form of it. *Right* is what the corpus itself expects,",
        "and what the source's own runtime gives on 16 inputs. *Refused* says why. *Wrong* is a file that computes",
        "something else without a word; the parity check, the one that judges every export, must fail it, and the last",
        "column counts the wrong ones that it passes.",
        "",
    ]
    for corpus, cases, ways, results, index in sections:
        lines += _section(corpus, cases, ways, results, index)
    return "\n".join(lines).rstrip() + "\n"


def _section(
    corpus: Corpus, cases: Sequence[Case], ways: Sequence[Way], results: Results, index: Mapping[str, Any]
) -> list[str]:
    lines = [f"## {corpus.title}", "", f"{len(cases)} cases{_left_out(index)}.", ""]
    lines += [corpus.counted, ""] if corpus.counted else []
    main = main_cases(cases)
    if len(main) < len(cases):
        repeats = sum(case.repeats for case in cases)
        lines += [
            f"{repeats} of them write an operator out once more, for another opset, and {sum(c.random for c in cases)} "
            f"are of Dropout: {len(main)} without those.",
            "",
        ]
    lines += ["| route | right | refused | wrong | crashed | failed at run | not tried | wrong and PASSED |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|--:|"]
    for way in ways:
        row = count(way, results[way.name], cases)
        cells = [str(row.results[kind]) for kind in Result]
        lines.append(f"| {way.name} | {' | '.join(cells)} | {row.of - row.tried} | {len(row.passed_wrong)} |")
    lines.append("")
    for target, there in by_target(ways).items():
        found, narrow = right_by_some(results, there, cases), right_by_some(results, there, main)
        part = f"; {narrow} of the {len(main)}" if len(main) < len(cases) else ""
        lines.append(f"- right by some route to {target}: {found} of {len(cases)}{part}")
    lines += ["", "Made with:", "", *(f"- {way.name}: {way.made_with()}" for way in ways), ""]
    tried = [way for way in ways if results[way.name]]
    lines += ["### By operator", "", f"| operator | cases | {' | '.join(way.name for way in tried)} |"]
    lines.append(f"|---|--:|{'--:|' * len(tried)}")
    operators: dict[str, list[Case]] = {}
    for case in cases:
        operators.setdefault(case.op, []).append(case)
    for operator, own in sorted(operators.items()):
        cells = [_share(results[way.name], own) for way in tried]
        lines.append(f"| {operator} | {len(own)} | {' | '.join(cells)} |")
    return [*lines, "", *_reasons(cases, ways, results)]


def _left_out(index: Mapping[str, Any]) -> str:
    parts = [f"{number} {reason}" for reason, number in index.get("left out", {}).items()]
    said = f", of {index['of']} there are: left out are {', '.join(parts)}" if parts else ""
    used, unused = index.get("used"), index.get("unused")
    if used is not None and unused is not None:
        said += f". They use {len(used)} of PyTorch's {len(used) + len(unused)} core operators; not {', '.join(unused)}"
    return said


def _share(trials: Mapping[str, Trial], cases: Sequence[Case]) -> str:
    known = [trials[case.name] for case in cases if case.name in trials]
    if not known:
        return ""
    right = sum(trial.result is Result.RIGHT for trial in known)
    if right == len(cases):
        return "all"
    worst = Counter(trial.result for trial in known if trial.result is not Result.RIGHT)
    return ", ".join([str(right), *(f"{number} {_MARKS[kind]}" for kind, number in worst.items())])


def _reasons(cases: Sequence[Case], ways: Sequence[Way], results: Results) -> list[str]:
    lines = []
    for way in ways:
        rest = [t for c in cases if (t := results[way.name].get(c.name)) and t.result is not Result.RIGHT]
        if rest:
            lines += [f"### {way.name}: what is not right", "", "| outcome | why | cases |", "|---|---|---|"]
            alike: dict[tuple[str, str], list[str]] = {}
            for trial in rest:
                alike.setdefault((_outcome(trial), _plain(trial.reason)), []).append(trial.case)
            lines += [f"| {outcome} | {why} | {', '.join(names)} |" for (outcome, why), names in alike.items()]
            lines.append("")
    return lines


def _outcome(trial: Trial) -> str:
    """What became of a case, and of a wrong one what the check that judges every export says of it."""
    if trial.result is not Result.WRONG:
        return _MARKS[trial.result]
    return f"{_MARKS[trial.result]}, {'PASSED' if trial.passed else 'FAILED by parity'}"


_FOLDER = re.compile(r"(?<![\w.:/])(?:/[\w.+-]+)+/(?=[\w.+-])")
"""Of a file on the machine that made the page."""


def _plain(reason: str) -> str:
    words = _FOLDER.sub("", " ".join(reason.split())).replace("|", "\\|").replace("<", "&lt;")
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
