"""The command `edge-export`: one verb per stage and per question.

Everything heavy is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
import warnings
from typing import Annotated

import typer

from converters.errors import EdgeExportError
from pipeline import __version__
from pipeline.commands import (
    bench,
    coverage,
    devices,
    drift,
    files,
    housekeeping,
    project,
    repair,
    routes,
    runs,
    toolchains,
)

EXIT_CODES = """\b
Exit codes:
  0    every gate passed
  1    the work ran, and a gate failed, could not be decided, or a cell crashed
  2    usage: an option or a name that does not exist
  3    a configuration file
  4    a data set
  5    a model or artifact file
  6    a toolkit failed, crashed or timed out
  7    a toolkit or device is not on this machine
  8    the workspace is busy or cannot be written, or the disk is full
  70   a converter broke its contract: a bug of ours or of a plug-in
  130  stopped by Ctrl-C; the next run goes on where this one ended
"""

STOPPED = 130
_RESUMED = {"run", "train", "convert", "repair", "coverage", "toolchains", "devices"}
"""Verbs that keep what they have finished."""

app = typer.Typer(
    name="edge-export",
    help="Converts PyTorch and TensorFlow models for mobile and edge by every route, and proves each result.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edge-export {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """Converts PyTorch and TensorFlow models for mobile and edge by every route, and proves each result."""


runs.register(app)
project.register(app)
files.register(app)
bench.register(app)
routes.register(app)
housekeeping.register(app)
devices.register(app)
drift.register(app)
repair.register(app)
toolchains.register(app)
coverage.register(app)


def main(arguments: list[str] | None = None) -> None:
    """The entry point: runs a verb, and turns errors into one clear message and an exit code of their kind."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: workers end, the workspace stays whole
    try:
        with warnings.catch_warnings():
            if "--debug" not in arguments:  # numpy's and others' tell a programmer something, and a user of no fault
                warnings.showwarning = lambda *_, **__: None
            app(arguments, prog_name="edge-export")
    except EdgeExportError as error:
        sys.exit(_explain(error, arguments))
    except SystemExit as end:
        told = getattr(end.__context__, "format_message", None)  # typer's own errors: an option that does not exist
        if told and "--json" in arguments:
            _print_record("UsageError", told(), int(end.code or 0))
        if end.code == STOPPED:
            goes_on = _RESUMED & {*arguments[:1]}
            said = "stopped." + (" What was finished is kept: run the same command again to go on." if goes_on else "")
            if "--json" in arguments:
                _print_record("Stopped", said, STOPPED)
            typer.echo(f"\n{said}", err=True)
        raise
    except Exception as error:  # a bug of ours: still one line, and a way to the traceback
        fault = EdgeExportError(f"{type(error).__name__}: {error}. This is a bug of edge-export; --debug shows where")
        sys.exit(_explain(fault.with_traceback(error.__traceback__), arguments))


def _explain(error: EdgeExportError, arguments: list[str]) -> int:
    """One message: what, where, what to do; the traceback only with --debug."""
    if "--debug" in arguments:
        traceback.print_exception(error)
    if "--json" in arguments:
        _print_record(type(error).__name__, str(error), error.exit_code)
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {error}", err=True)
    return error.exit_code


def _print_record(kind: str, message: str, exit_code: int) -> None:
    """An error as the one document on standard output."""
    record = {"kind": kind, "message": message, "exit_code": exit_code}
    typer.echo(json.dumps({"schema_version": 1, "error": record}, indent=1))


if __name__ == "__main__":
    main()
