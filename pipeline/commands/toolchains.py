"""The verbs `toolchains`: the sealed environments, whether they are made, and making, checking and removing them."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from pipeline.commands import options

Names = Annotated[list[str] | None, typer.Argument(help="Which; all of them when none is named.")]

app = typer.Typer(
    help="Says which sealed environments there are and whether they are made; `build`, `check` and `remove` them.",
    invoke_without_command=True,
)


def register(root: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    root.add_typer(app, name="toolchains", epilog="Example: edge-export toolchains build onnx2tf")


@app.callback()
def toolchains(context: typer.Context, json: options.Json = False, debug: options.Debug = False) -> None:
    """Says which sealed environments there are and whether they are made; `build`, `check` and `remove` them."""
    if context.invoked_subcommand:
        return
    from converters import registry
    from converters.devices.cache import ABSENT
    from converters.toolchains import sealed

    rows = []
    for chain in registry.toolchains():
        wrong = sealed.damage(chain)
        state = "ready" if not wrong else "not made" if wrong == ABSENT else f"damaged: {wrong}"
        rows.append(
            {
                "name": chain.name,
                "title": chain.title,
                "state": state,
                "packages": len(sealed.packages(chain)),
                "size": chain.size,
                "folder": str(sealed.folder(chain)),
            }
        )
    if json:
        typer.echo(json_module.dumps({"schema_version": 1, "toolchains": rows}, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['name']:<8}  {row['state']:<9} {row['title']}: {row['packages']} packages, {row['size']}")
        if row["state"] != "not made":
            typer.echo(f"{'':<8}  {row['folder']}")
    typer.echo("`edge-export toolchains build` makes them; else the first conversion that needs one does")


@app.command(epilog="Example: edge-export toolchains build onnx2tf")
def build(names: Names = None, debug: options.Debug = False) -> None:
    """Makes sealed environments that are missing or damaged, from their locks, every hash checked."""
    from converters import registry
    from converters.toolchains import sealed

    for name in _wanted(names):
        folder = sealed.make(registry.toolchain(name), lambda text, name=name: typer.echo(f"[{name}] {text}", err=True))  # type: ignore[misc]
        typer.echo(f"{name} is ready: {folder}")


@app.command(epilog="Example: edge-export toolchains check")
def check(names: Names = None, debug: options.Debug = False) -> None:
    """Looks at every file of sealed environments and imports what they are for."""
    from converters import registry
    from converters.toolchains import sealed

    for name in _wanted(names):
        sealed.check(registry.toolchain(name))
        typer.echo(f"{name} is whole, and imports")


@app.command(epilog="Example: edge-export toolchains remove onnx_tf")
def remove(names: Names = None, debug: options.Debug = False) -> None:
    """Removes sealed environments; the next conversion that needs one makes it again."""
    from converters import registry
    from converters.toolchains import sealed

    for name in _wanted(names):
        there = sealed.remove(registry.toolchain(name))
        typer.echo(f"{name} was removed" if there else f"{name} was not there")


def _wanted(names: list[str] | None) -> tuple[str, ...]:
    from converters import registry

    found = options.words(names) or tuple(chain.name for chain in registry.toolchains())
    for name in found:
        registry.toolchain(name)
    return tuple(dict.fromkeys(found))
