"""Finds routes: paths through the graph whose nodes are formats and whose edges are what converters declare."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from converters.contract import Edge, Format, Framework, Precision
from converters.errors import UsageError
from converters.model_files import LOADED_AS

SOURCE_FORMAT = {
    Framework.TORCH: Format.TORCH,
    Framework.TENSORFLOW: Format.KERAS,
    Framework.ONNX: Format.ONNX,
}
"""The node that each framework's models start from, where they are no file of another format."""
FILES = {
    Format.ONNX: Framework.ONNX,
    Format.PT2: Framework.TORCH,
    Format.TORCHSCRIPT: Framework.TORCH,
    Format.SAVEDMODEL: Framework.TENSORFLOW,
    Format.KERAS_FILE: Framework.TENSORFLOW,
}
"""Files that a run may start from, and whose models they are."""
BEST, ALL = "best", "all"
"""Words in the place of routes' names."""


@dataclass(frozen=True)
class Route:
    """A path from a source model to an artifact: the edges in order, the last one giving `precision`.

    `start` is the format of the source model.
    """

    framework: Framework
    edges: tuple[Edge, ...]
    precision: Precision
    start: Format

    @property
    def name(self) -> str:
        """The toolkits of the conversions, in order, without a quantizer at the end: `litert`, `onnx-onnx2tf`."""
        return "-".join(edge.toolkit for edge in self.edges if not edge.quantizes)

    @property
    def target(self) -> Format:
        """The format of the artifact."""
        return self.edges[-1].target

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The families that alone run the artifact, where it is made for one of several; none: all of its format."""
        return next(edge.runtimes for edge in reversed(self.edges) if not edge.quantizes)

    @property
    def sealed(self) -> tuple[str, ...]:
        """The sealed toolchains that it needs."""
        return tuple(dict.fromkeys(edge.toolchain for edge in self.edges if edge.toolchain))

    @property
    def likely(self) -> bool:
        """Whether its first step is made for what it starts from: torch.export does not read every TorchScript."""
        return self.start is not Format.TORCHSCRIPT or self.edges[0].source is Format.TORCHSCRIPT

    def steps(self) -> tuple[tuple[Edge, Precision], ...]:
        """Every edge with the precision that it is asked for: fp32 up to the last."""
        last = len(self.edges) - 1
        return tuple((edge, self.precision if i == last else Precision.FP32) for i, edge in enumerate(self.edges))


def routes_of(
    names: Sequence[str], routes: Sequence[Route], here: Callable[[str], bool], others: Sequence[Route] = ()
) -> tuple[Route, ...]:
    """The routes of those names; all of them for `all`; for `best`, and where nothing was said, what can be weighed.

    A name that only `others` have, those of the request's other frameworks, names none of these.

    That are those whose sealed toolchains are `here`: minutes and gigabytes for another are the user's to spend, unless
    no other route leads to a format.

    Raises:
        UsageError: no route is called so, or `best` stands beside others; the message lists what there is.
    """
    if ALL in names:
        return tuple(routes)
    if is_best(names):
        ready = {route: all(map(here, route.sealed)) for route in routes}
        reached = {route.target for route in routes if ready[route] and route.likely}
        return tuple(route for route in routes if ready[route] or route.target not in reached)
    known = dict.fromkeys(route.name for route in (*routes, *others))
    for name in names:
        if name == BEST:
            raise UsageError(f"--route best weighs every route that is here; beside {', '.join(names)} it says nothing")
        if name not in known:
            raise UsageError(f"no route is called {name!r}; there are {', '.join(known)}, best, all")
    return tuple(route for route in routes if route.name in names)


def is_best(names: Sequence[str]) -> bool:
    """Whether one route to each file is taken, by measurement."""
    return not names or set(names) == {BEST}


def find_routes(framework: Framework, edges: Iterable[Edge], start: Format | None = None) -> tuple[Route, ...]:
    """Every route from a framework, shortest first: one for each chain of toolkits, target and precision.

    `start` is the format of the file that is the source model, where it is one. It is converted as what its framework
    loads it as, and by what starts from files that were brought.

    Conversions start from fp32. A format is visited once; a quantizer (an edge from a format to itself) is taken
    only where the conversion before it does not make the precision by itself, so the fewest steps win.
    """
    start = start or SOURCE_FORMAT[framework]
    edges, loaded = tuple(edges), LOADED_AS.get(start, start)
    found: dict[tuple[str, Format, Precision], Route] = {}
    queue: deque[tuple[Edge, ...]] = deque([()])
    while queue:
        path = queue.popleft()
        visited = {loaded, *(edge.target for edge in path)} if path else set()
        for edge in edges:
            begins = edge.source is start if edge.brought else edge.source is loaded and start is not Format.ONNX
            follows = bool(path) and edge.source is path[-1].target and not edge.brought
            goes_on = edge.quantizes if path and edge.target is path[-1].target else edge.target not in visited
            if not (follows if path else begins and not edge.quantizes) or not goes_on:
                continue
            for precision in edge.precisions:
                route = Route(framework, (*path, edge), precision, start)
                found.setdefault((route.name, route.target, precision), route)
            if not edge.quantizes and Precision.FP32 in edge.precisions:
                queue.append((*path, edge))
    order = list(Precision)
    return tuple(sorted(found.values(), key=lambda r: (r.target, len(r.name), r.name, order.index(r.precision))))
