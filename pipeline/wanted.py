"""The routes that a request stands for, and what it asks for that none makes."""

from __future__ import annotations

from collections.abc import Sequence

from converters import registry
from converters.contract import Format, Framework, Precision
from pipeline import recipes
from pipeline.config import Configs
from pipeline.routes import Route, find_routes, routes_of

USUAL = (Precision.FP32, Precision.FP16, Precision.DYNAMIC, Precision.INT8, Precision.INT8_IO)
"""Precisions that are missed where nobody asked for any; the others are made by few formats."""


def wanted_routes(
    framework: Framework,
    targets: Sequence[str],
    precisions: Sequence[Precision],
    names: Sequence[str],
    configs: Configs,
    start: Format | None = None,
    beside: Sequence[Framework] = (),
) -> tuple[list[Route], list[str]]:
    """The routes of a framework to the targets in the precisions asked for, and what has none.

    `beside` are the request's other frameworks, to which a name of a route may belong.

    Raises:
        UsageError: no route has a name that was asked for.
    """
    edges = recipes.edges(configs)
    known = find_routes(framework, edges, start)
    others = [route for other in beside for route in find_routes(other, edges, start)]
    routes = routes_of(names, known, registry.made, others)
    chosen: list[Route] = []
    nowhere: list[str] = []
    fewer: dict[str, list[str]] = {}
    for target in targets:
        there = [route for route in routes if route.target == configs.targets[target].format]
        chosen += [route for route in there if route.precision in (precisions or list(Precision))]
        made = {route.precision for route in there}
        lacking = [precision.value for precision in precisions or USUAL if precision not in made]
        if not there:
            nowhere.append(target)
        elif lacking:
            fewer.setdefault(", ".join(lacking), []).append(target)
    missing = [f"no route leads from {framework} to {', '.join(nowhere)}"] if nowhere else []
    return chosen, missing + [
        f"no route makes {what} of {', '.join(of)} from {framework}" for what, of in fewer.items()
    ]


def not_weighed(
    frameworks: Sequence[Framework], targets: Sequence[str], configs: Configs, start: Format | None = None
) -> list[str]:
    """What `best` leaves out, because its sealed toolchain is not here: one note for each toolchain."""
    formats = {configs.targets[target].format for target in targets}
    lacking: dict[str, dict[str, None]] = {}
    for framework in frameworks:
        known = find_routes(framework, registry.edges(), start)
        taken = set(routes_of((), known, registry.made))
        for route in known:
            if route.target in formats and route not in taken:
                for chain in (chain for chain in route.sealed if not registry.made(chain)):
                    lacking.setdefault(chain, {})[route.name] = None
    return [
        f"route {', '.join(names)} was not weighed: its toolchain is not here; `edge-export toolchains build {chain}` "
        "brings it, and --route all takes every route"
        for chain, names in lacking.items()
    ]
