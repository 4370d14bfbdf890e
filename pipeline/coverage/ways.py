"""The routes of a corpus, each with the runtime that proves it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converters import registry
from converters.contract import Edge, Format, Precision, RuntimeSpec
from converters.errors import UsageError
from pipeline.config import Configs
from pipeline.coverage.cases import Corpus
from pipeline.store import digest
from pipeline.task import ROOT, code, versions

_OWN_RUNTIME = {"onnx-tf": "tflite-runtime"}
"""Where a route's files are proved as the users of its toolkit run them."""


@dataclass(frozen=True)
class Way:
    """A route from a corpus' format: edges in order, none where the file is run as it is, and a runtime."""

    corpus: str
    name: str
    edges: tuple[Edge, ...]
    runtime: RuntimeSpec
    prepass: bool = True

    @property
    def target(self) -> Format:
        """The format of what it makes."""
        return self.edges[-1].target if self.edges else Format.ONNX

    @property
    def sealed(self) -> bool:
        """Whether it needs a sealed toolchain."""
        return any(edge.toolchain for edge in self.edges)

    def key(self) -> str:
        """What its results depend on beside cases and gate: code and versions of every step, and of the judging."""
        parts = [[edge.name, *_code_of(edge, self.prepass), registry.made_with(edge)] for edge in self.edges]
        judged = code("pipeline/checks/parity.py", "pipeline/checks/metrics", "pipeline/coverage/trial.py")
        runs = [self.runtime.name, versions(self.runtime.packages), code(*imported(self.runtime.module))]
        return digest([parts, runs, judged, code("converters/nearness.py"), self.prepass])

    def made_with(self) -> str:
        """The versions of its toolkits, for a reader."""
        names = [registry.made_with(edge) for edge in self.edges] or [versions(self.runtime.packages)]
        return "; ".join(names)


def ways_of(corpus: Corpus, configs: Configs, names: tuple[str, ...] = (), prepass: bool = True) -> tuple[Way, ...]:
    """The fp32 routes of a corpus whose runtimes are here.

    Raises:
        UsageError: no route is called so; the message lists what there is.
    """
    found = [way for way in _all(corpus, configs, prepass) if not registry.missing(way.runtime.packages)]
    known = {way.name for way in found}
    for name in names:
        if name not in {*known, "all"}:
            raise UsageError(
                f"no route of the corpus {corpus.name} is called {name!r}; there are {', '.join(sorted(known))}"
            )
    return tuple(way for way in found if not names or "all" in names or way.name in names)


def with_routes(names: tuple[str, ...], corpora: Sequence[Corpus], configs: Configs) -> tuple[str, ...]:
    """The names of the corpora that have a route of one of those names; all of them where nothing was said.

    Raises:
        UsageError: no corpus has one; the message lists what there is.
    """
    if not names or "all" in names:
        return tuple(corpus.name for corpus in corpora)
    known = {corpus.name: {way.name for way in ways_of(corpus, configs)} for corpus in corpora}
    found = tuple(name for name, routes in known.items() if set(names) <= routes)
    if not found:
        there = "; ".join(f"of {name} {', '.join(sorted(routes))}" for name, routes in known.items())
        raise UsageError(f"no corpus has the routes {', '.join(names)}; there are {there}")
    return found


def _all(corpus: Corpus, configs: Configs, prepass: bool) -> list[Way]:
    paths: list[tuple[Edge, ...]] = [()] if corpus.source is Format.ONNX else []
    first = [edge for edge in registry.edges() if edge.source is corpus.source and _usual(edge)]
    paths += [(edge,) for edge in first]
    paths += [(a, b) for a in first for b in registry.edges() if b.source is a.target and _usual(b)]
    ways = []
    for path in paths:
        name = "-".join(edge.toolkit for edge in path) or "onnxruntime"
        runtime = _runtime(path, configs)
        if runtime is not None:
            ways.append(Way(corpus.name, name, path, runtime, prepass))
    return ways


def _usual(edge: Edge) -> bool:
    return edge.source is not edge.target and Precision.FP32 in edge.precisions


def _runtime(path: tuple[Edge, ...], configs: Configs) -> RuntimeSpec | None:
    """The first runtime of the target on this machine's CPU; none for files that are made for a device."""
    if not path:
        return registry.runtime("onnxruntime")
    if own := _OWN_RUNTIME.get(path[-1].toolkit):
        here = [spec for spec in registry.expand(registry.runtime(own)) if spec.device and not spec.device.missing]
        return here[0] if here else registry.runtime("litert-xnnpack")
    homes = [t.runtimes[0] for t in configs.targets.values() if t.format == path[-1].target and t.runtimes]
    fit = [name for name in homes if not path[-1].runtimes or name in path[-1].runtimes]
    return registry.runtime(fit[0]) if fit else None


def _code_of(edge: Edge, prepass: bool) -> list[str]:
    """Digests of what a step runs: of a sealed toolkit its folder, else its module and what that imports from there."""
    if not edge.module.startswith("converters."):
        return []
    own = "/".join(edge.module.split(".")[:-1])
    places = (own,) if edge.toolchain else imported(edge.module)
    return [code(*places), *([code("converters/onnx/prepass")] if edge.prepass and prepass else [])]


def imported(module: str) -> tuple[str, ...]:
    """The files of a module and of all that it imports from its own toolkit, wherever in a function it does."""
    own = module.rpartition(".")[0]
    found: dict[str, None] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = "/".join(name.split("."))
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if name.startswith(f"{own}.") and file not in found and (ROOT / file).is_file():
                found[file] = None
                waiting += _imports(ROOT / file)
    return tuple(sorted(found))


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names
