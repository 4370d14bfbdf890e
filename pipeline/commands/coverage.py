"""The verb `coverage`: which operators each route does right."""

from __future__ import annotations

import json as json_module
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from converters.errors import UsageError
from pipeline.commands import options
from pipeline.commands.options import words

if TYPE_CHECKING:
    from pipeline.coverage.trial import Trial
    from pipeline.coverage.ways import Way

CorpusOption = Annotated[
    list[str] | None, typer.Option(help="onnx (ONNX's node tests), torch (PyTorch's operators).", show_default="both")
]
Route = Annotated[
    list[str] | None,
    typer.Option(
        help="Only these, or all: sealed toolchains too.", show_default="every one that needs no sealed toolchain"
    ),
]
CaseOption = Annotated[str, typer.Option("--case", help="Only cases whose name or operator it finds.", metavar="REGEX")]
Jobs = Annotated[int, typer.Option(min=1, help="How many cases are tried at once.")]
NoPrepass = Annotated[bool, typer.Option("--no-prepass", help="Give ONNX files to the converters as they are.")]
Page = Annotated[Path | None, typer.Option(help="Write the table as a Markdown page, too.", metavar="FILE")]
Stored = Annotated[bool, typer.Option("--stored", help="Try nothing: tell what earlier sweeps found.")]


def register(app: typer.Typer) -> None:
    """Adds the verb to the command line."""
    app.command(epilog=_EXAMPLES)(coverage)


_EXAMPLES = """\b
Examples:
  edge-export coverage --corpus onnx --case Resize
  edge-export coverage --route all --jobs 2 --page docs/coverage.md
"""


def coverage(
    corpus: CorpusOption = None,
    route: Route = None,
    case: CaseOption = "",
    jobs: Jobs = 1,
    no_prepass: NoPrepass = False,
    page: Page = None,
    stored: Stored = False,
    configs: options.Configs = None,
    gates: options.Gates = None,
    json: options.Json = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Tries small models of every operator by every route: right, refused, wrong, crashed.

    What was tried before with the same code and versions is not tried again. It ends with exit code 1 where a wrong
    file passes the parity check, which must never be.
    """
    from pipeline.configs import load_configs
    from pipeline.coverage import sweep, table
    from pipeline.coverage.cases import CORPORA, cases_of, corpus_of, narrowed
    from pipeline.coverage.ways import ways_of, with_routes
    from pipeline.lone import toolbox
    from pipeline.task import worker_limits

    settings, tolerances = load_configs(configs, gates)
    names = words(corpus) or with_routes(words(route), CORPORA, settings)
    sections: list[tuple[Any, ...]] = []
    for name in names:
        source = corpus_of(name)
        ways = ways_of(source, settings, words(route), prepass=not no_prepass)
        if not route:
            ways = tuple(way for way in ways if not way.sealed)
        sweep.require_ready(ways)
        with toolbox() as (pool, limits):
            cases, index = cases_of(source, pool, _say)
        try:
            cases = narrowed(cases, case)
        except UsageError:
            if sections or name != names[-1]:  # another corpus has it
                continue
            raise
        key = sweep.basis(source, tolerances)
        if stored:
            results = sweep.stored(cases, ways, key)
        else:
            told = _Progress(len(cases) * len(ways), quiet=json, all=verbose)
            results = sweep.Sweep(tolerances, worker_limits(limits), jobs).run(cases, ways, key, told)
        sections.append((source, cases, ways, results, index))
    if page:
        _written(page, table.page(sections))
    if json:
        document = {s[0].name: {"results": sweep.to_json(s[3]), "summary": table.summary(*s[:4])} for s in sections}
        typer.echo(json_module.dumps({"schema_version": 1, "coverage": document}, indent=1))
    else:
        for section in sections:
            typer.echo("\n".join([f"{section[0].title}:", *(f"  {line}" for line in table.summary(*section[:4]))]))
    raise typer.Exit(any(table.count(way, s[3][way.name], s[1]).passed_wrong for s in sections for way in s[2]))


def _written(path: Path, text: str) -> None:
    """Writes the page, whole or not at all."""
    from pipeline.store import write_atomic

    write_atomic(path, text.encode())
    typer.echo(f"wrote {path}", err=True)


def _say(text: str) -> None:
    typer.echo(f"[coverage] {text}", err=True)


class _Progress:
    """One line on standard error: how far, how much is left; with `all`, each case as well."""

    def __init__(self, total: int, *, quiet: bool, all: bool) -> None:
        self._total, self._quiet, self._all = total, quiet, all
        self._done, self._new, self._begun, self._last = 0, 0, time.monotonic(), 0.0

    def __call__(self, way: Way, trial: Trial, was_stored: bool) -> None:
        self._done += 1
        self._new += not was_stored
        if self._quiet:
            return
        if self._all and not was_stored:
            typer.echo(
                f"{way.name} {trial.case}: {trial.result} {trial.reason.splitlines()[0] if trial.reason else ''}",
                err=True,
            )
        elif sys.stderr.isatty() or self._done == self._total or time.monotonic() - self._last > 30:
            self._last = time.monotonic()
            spent = time.monotonic() - self._begun
            left = spent / self._new * (self._total - self._done) if self._new else 0.0
            end = "\r" if sys.stderr.isatty() and self._done < self._total else "\n"
            sys.stderr.write(f"\r[coverage] {self._done} of {self._total} tried, {left:4.0f} s left   {end}")
            sys.stderr.flush()
