"""The verb `routes`: the graph of formats and converters as a tree from each framework, and what is installed."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from pipeline.commands import options

if TYPE_CHECKING:
    from converters.contract import Edge
    from pipeline.routes import Route


def register(app: typer.Typer) -> None:
    """Adds the verb to the command line."""
    app.command(epilog="Example: edge-export routes --json")(routes)


def routes(json: options.Json = False, debug: options.Debug = False) -> None:
    """Draws what leads where, in which precisions, what runs it, and what of it is installed."""
    from converters import registry
    from converters.contract import Framework
    from pipeline.routes import SOURCE_FORMAT, find_routes

    found = [route for framework in Framework for route in find_routes(framework, registry.edges())]
    if json:
        typer.echo(json_module.dumps({"schema_version": 1, "routes": [_row(route) for route in found]}, indent=1))
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for framework in Framework:
        console.print(f"[bold]{framework}[/] ({SOURCE_FORMAT[framework]} model)")
        for line in _drawn(_tree(route for route in found if route.framework is framework).children):
            console.print(f"  {line}")
    console.print("[bold]runs in[/]")
    for target in dict.fromkeys(route.target for route in found):
        names = (f"{spec.name}{_away(spec)}" for spec in registry.runtimes_for(target))
        console.print(f"  {target:<12} {', '.join(names)}")


@dataclass
class _Node:
    """A conversion with the precisions that its files are made in, and the conversions that start from them."""

    edge: Edge | None = None
    route: str = ""
    precisions: list[str] = field(default_factory=list)
    edges: dict[str, Edge] = field(default_factory=dict)  # with its quantizers
    children: dict[str, _Node] = field(default_factory=dict)


def _tree(found: Iterable[Route]) -> _Node:
    root = _Node()
    for route in found:
        node = root
        for edge in route.edges:
            if edge.source is not edge.target:
                node = node.children.setdefault(edge.name, _Node(edge))
        node.route = route.name
        node.precisions.append(route.precision.value)
        node.edges |= {edge.name: edge for edge in route.edges if edge.target is route.target}
    return root


def _drawn(nodes: Mapping[str, _Node]) -> Iterator[str]:
    for place, node in enumerate(nodes.values()):
        assert node.edge is not None
        branch, stem = ("└─", "  ") if place == len(nodes) - 1 else ("├─", "│ ")
        precisions = ", ".join(node.precisions)
        yield f"{branch} {node.edge.toolkit} ─▶ [bold]{node.edge.target}[/]  {precisions}{_lacking(node)}"
        for line in _drawn(node.children):
            yield f"{stem} {line}"


def _lacking(node: _Node) -> str:
    """What a conversion needs that is not here, with what brings it."""
    from converters import registry

    missing = sorted({name for edge in node.edges.values() for name in registry.lacking(edge)})
    told = [f"not installed: {', '.join(missing)}"] if missing else []
    chains = dict.fromkeys(edge.toolchain for edge in node.edges.values() if edge.toolchain)
    told += [f"`edge-export toolchains build {chain}` brings it" for chain in chains if not registry.made(chain)]
    return f"  [yellow]{'; '.join(told)}[/]" if told else ""


def _away(spec: Any) -> str:
    """That a runtime's packages are not here."""
    from converters import registry

    return " (not installed)" if registry.missing(spec.packages) else ""


def _row(route: Route) -> dict[str, Any]:
    from converters import registry

    return {
        "framework": route.framework.value,
        "route": route.name,
        "target": route.target.value,
        "precision": route.precision.value,
        "converters": [edge.name for edge in route.edges],
        "runtimes": [spec.name for spec in registry.runtimes_for(route.target)],
        "missing": sorted({name for edge in route.edges for name in registry.lacking(edge)}),
        "toolchains": list(route.sealed),
        "toolchains_missing": [chain for chain in route.sealed if not registry.made(chain)],
    }
