"""Finds routes: paths through the graph whose nodes are formats and whose edges are what converters declare."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from converters.contract import Edge, Format, Framework, Precision
from converters.errors import UsageError

SOURCE_FORMAT = {Framework.TORCH: Format.TORCH, Framework.TENSORFLOW: Format.KERAS}
"""The node that each framework's models start from."""
BEST, ALL = "best", "all"
"""Words in the place of routes' names."""


@dataclass(frozen=True)
class Route:
    """A path from a source model to an artifact: the edges in order, the last one giving `precision`."""

    framework: Framework
    edges: tuple[Edge, ...]
    precision: Precision

    @property
    def name(self) -> str:
        """The toolkits of the conversions, in order, without a quantizer at the end: `litert`, `onnx-onnx2tf`."""
        return "-".join(edge.toolkit for edge in self.edges if edge.source is not edge.target)

    @property
    def target(self) -> Format:
        """The format of the artifact."""
        return self.edges[-1].target

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The families that alone run the artifact, where it is made for one of several; none: all of its format."""
        return next(edge.runtimes for edge in reversed(self.edges) if edge.source is not edge.target)

    @property
    def sealed(self) -> tuple[str, ...]:
        """The sealed toolchains that it needs."""
        return tuple(dict.fromkeys(edge.toolchain for edge in self.edges if edge.toolchain))

    def steps(self) -> tuple[tuple[Edge, Precision], ...]:
        """Every edge with the precision that it is asked for: fp32 up to the last."""
        last = len(self.edges) - 1
        return tuple((edge, self.precision if i == last else Precision.FP32) for i, edge in enumerate(self.edges))


def routes_of(names: Sequence[str], routes: Sequence[Route], here: Callable[[str], bool]) -> tuple[Route, ...]:
    """The routes of those names; all of them for `all`; for `best`, and where nothing was said, what can be weighed.

    That are those whose sealed toolchains are `here`: minutes and gigabytes for another are the user's to spend.

    Raises:
        UsageError: no route is called so, or `best` stands beside others; the message lists what there is.
    """
    if ALL in names:
        return tuple(routes)
    if is_best(names):
        return tuple(route for route in routes if all(map(here, route.sealed)))
    known = dict.fromkeys(route.name for route in routes)
    for name in names:
        if name == BEST:
            raise UsageError(f"--route best weighs every route that is here; beside {', '.join(names)} it says nothing")
        if name not in known:
            raise UsageError(f"no route is called {name!r}; there are {', '.join(known)}, best, all")
    return tuple(route for route in routes if route.name in names)


def is_best(names: Sequence[str]) -> bool:
    """Whether one route to each file is taken, by measurement."""
    return not names or set(names) == {BEST}


def find_routes(framework: Framework, edges: Iterable[Edge]) -> tuple[Route, ...]:
    """Every route from a framework, shortest first: one for each chain of toolkits, target and precision.

    Conversions start from fp32. A format is visited once; a quantizer (an edge from a format to itself) is taken
    only where the conversion before it does not make the precision by itself, so the fewest steps win.
    """
    edges = tuple(edges)
    found: dict[tuple[str, Format, Precision], Route] = {}
    queue: deque[tuple[Edge, ...]] = deque([()])
    while queue:
        path = queue.popleft()
        here = path[-1].target if path else SOURCE_FORMAT[framework]
        visited = {SOURCE_FORMAT[framework], *(edge.target for edge in path)}
        for edge in edges:
            quantizes = edge.source is edge.target
            if edge.source is not here or (quantizes and not path) or (not quantizes and edge.target in visited):
                continue
            for precision in edge.precisions:
                route = Route(framework, (*path, edge), precision)
                found.setdefault((route.name, route.target, precision), route)
            if not quantizes and Precision.FP32 in edge.precisions:
                queue.append((*path, edge))
    order = list(Precision)
    return tuple(sorted(found.values(), key=lambda r: (r.target, len(r.name), r.name, order.index(r.precision))))
