"""The verbs about the tool itself and what it left: report, doctor, clean."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import options

_REPORT_EXAMPLES = """\b
Examples:
  edge-export report dist/fashion-cnn --format markdown
  edge-export report dist/fashion-cnn --serve
"""


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    app.command(epilog=_REPORT_EXAMPLES)(report)
    app.command(epilog="Example: edge-export doctor")(doctor)
    app.command(epilog="Example: edge-export clean --yes")(clean)


def report(
    bundle: Annotated[Path, typer.Argument(help="A bundle folder, or a report.json.")] = options.DEFAULT_OUT,
    format: Annotated[str, typer.Option(help="console, table, markdown, json, junit or html.")] = "console",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of the terminal.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the bundle to this machine, with its live page.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of --serve; 0 takes any that is free.")] = 0,
    live: Annotated[
        Path | None, typer.Option(help="Write the bundle with its live page and LiteRT.js there, for any web server.")
    ] = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Shows the report of a bundle again, in any form; needs no toolkit."""
    if serve:
        return _serve(bundle, port)
    if live is not None:
        from pipeline.report import live_page

        live_page.export(bundle, live, typer.echo)
        return None
    from pipeline.report.again import again

    text = again(bundle, "json" if json else format)
    if out is None:
        typer.echo(text)
        return None
    from pipeline.store import write_atomic

    write_atomic(out, text.encode())
    typer.echo(f"wrote {out}", err=True)
    return None


def _serve(bundle: Path, port: int) -> None:
    """Serves until Ctrl-C, which is the way to end it."""
    from converters.devices import browser
    from pipeline.report import live_page

    server = live_page.serve(bundle, port)
    typer.echo(f"{server.address}/report/{live_page.PAGE}")
    typer.echo(f"{server.address}/report/report.html")
    if browser.litert_folder() is None:
        typer.echo(f"LiteRT.js is not installed, so that the live page runs nothing: {browser.INSTALL}", err=True)
    typer.echo("Ctrl-C ends it", err=True)
    try:
        server.wait()
    except KeyboardInterrupt:
        server.close()


def doctor(json: options.Json = False, debug: options.Debug = False) -> None:
    """Checks this machine: versions known to work together, space, tools; says what to do."""
    from pipeline.doctor import Health, checks

    rows = checks()
    if json:
        document = [
            {"name": row.name, "health": str(row.health), "found": row.found, "advice": row.advice} for row in rows
        ]
        typer.echo(json_module.dumps({"schema_version": 1, "checks": document}, indent=1))
    else:
        from rich.console import Console

        console = Console(highlight=False)
        for row in rows:
            console.print(f"{row.health!s:<8} {row.name:<20} {row.found}", markup=False, soft_wrap=True)
            if row.advice:
                console.print(f"{'':<8} {'':<20} {row.advice}", markup=False, style="yellow", soft_wrap=True)
    raise typer.Exit(7 if any(row.health is Health.PROBLEM for row in rows) else 0)


def clean(
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    debug: options.Debug = False,
) -> None:
    """Removes the workspace: stored results, checkpoints, downloads and logs. Bundles in dist/ stay."""
    import shutil

    from converters.errors import WorkspaceError
    from pipeline.workspace import FOLDERS, is_workspace, open_workspace

    if not workspace.exists():
        typer.echo(f"nothing to do: {workspace} does not exist")
        return
    if not is_workspace(workspace):
        raise WorkspaceError(
            f"{workspace} is not a workspace of edge-export, or holds other files; nothing was removed"
        )
    size = sum(path.stat().st_size for path in workspace.rglob("*") if path.is_file())
    if not yes:
        typer.confirm(f"remove {workspace} ({size / 2**20:.0f} MiB)?", abort=True)
    with open_workspace(workspace, "edge-export clean", lambda message: typer.echo(message, err=True)):
        for name in FOLDERS:
            shutil.rmtree(workspace / name, ignore_errors=True)
    shutil.rmtree(workspace, ignore_errors=True)
    typer.echo(f"removed {workspace} ({size / 2**20:.0f} MiB)")
