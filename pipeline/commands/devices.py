"""The verb `devices`: every runtime, here or not, and what would bring it; and `devices install`, which brings it."""

from __future__ import annotations

import dataclasses
import json as json_module
from typing import Annotated

import typer

from pipeline.commands import options

Names = Annotated[list[str] | None, typer.Argument(help="gpu, arm64, browser; all of them when none is named.")]

app = typer.Typer(
    help="Says every runtime, whether it can run here, and what would make it run; `devices install` brings them.",
    invoke_without_command=True,
)


def register(root: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    root.add_typer(app, name="devices", epilog="Example: edge-export devices install gpu")


@app.callback()
def devices(
    context: typer.Context,
    only: Annotated[str, typer.Option(help="Only this group or family: gpu, arm64, web, litert-gpu, ...")] = "",
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Says every runtime, whether it can run here, and what would make it run; `devices install` brings them."""
    if context.invoked_subcommand:
        return
    from converters.errors import UsageError
    from pipeline import config
    from pipeline.devices import device_rows

    targets = config.load().targets.values()
    rows = device_rows(targets, only)
    if not rows:
        known = dict.fromkeys(name for row in device_rows(targets) for name in (row.group, row.family) if name)
        raise UsageError(f"no runtime or group is called {only!r}; there are {', '.join(known)}")
    if json:
        document = [{**dataclasses.asdict(row), "available": row.available} for row in rows]
        typer.echo(json_module.dumps({"schema_version": 1, "runtimes": document}, indent=1))
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    wide = max(len(row.runtime) for row in rows)
    for row in rows:
        notes = [f"--devices {row.group}"] if row.group else []
        notes += ["emulated: no latency"] if row.emulated else []
        notes += [row.version] if row.version else []
        mark = "[green]here   [/]" if row.available else "[yellow]missing[/]"
        said = f"{row.runtime:<{wide}}  {'/'.join(row.formats):<12} {row.device if row.available else row.missing}"
        note = f"  [dim]({escape('; '.join(notes))})[/]" if notes else ""
        console.print(f"{mark} {escape(said)}{note}", soft_wrap=True)
        if row.remedy and not row.available:
            console.print(f"{'':<{wide + 10}}[yellow]to have it: {escape(row.remedy)}[/]", soft_wrap=True)


@app.command(epilog="Example: edge-export devices install gpu arm64 browser")
def install(
    names: Annotated[
        list[str] | None, typer.Argument(help="gpu, arm64, browser; all of them when none is named.")
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Brings software devices into the user's cache: a software GPU, emulated ARM64 processors, a browser. No root."""
    from converters.devices.install import INSTALLERS
    from converters.errors import UsageError

    wanted = options.words(names) or tuple(INSTALLERS)
    for name in wanted:
        if name not in INSTALLERS:
            raise UsageError(f"nothing is called {name!r}; there are {', '.join(INSTALLERS)}")
    for name in dict.fromkeys(wanted):
        INSTALLERS[name](lambda text, name=name: typer.echo(f"[{name}] {text}", err=True))  # type: ignore[misc]
