"""Which module serves which edge, runtime and file format. Declarations only: no toolkit is imported.

Each package `converters.<toolkit>` declares EDGES, RUNTIMES and INSPECTORS in its `__init__`; other people's
packages do the same and name themselves under the entry point group `edge_export.toolkits`, or, while they are
being written, in the environment variable EDGE_EXPORT_TOOLKITS (module names, separated by commas).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from functools import cache
from types import ModuleType

from converters.contract import Edge, Format, InspectorSpec, RuntimeSpec
from converters.errors import UnsupportedError, UsageError

BUILT_IN = ("litert", "onnx", "torchscript", "eager")
ENTRY_POINT_GROUP = "edge_export.toolkits"
DRAFTS_VARIABLE = "EDGE_EXPORT_TOOLKITS"


@cache
def toolkits() -> tuple[ModuleType, ...]:
    """The declaring packages, ours first."""
    ours = [importlib.import_module(f"converters.{name}") for name in BUILT_IN]
    theirs = [point.load() for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)]
    drafts = [importlib.import_module(name) for name in os.environ.get(DRAFTS_VARIABLE, "").split(",") if name]
    return (*ours, *theirs, *drafts)


def edges() -> tuple[Edge, ...]:
    """Every converter and quantizer."""
    return tuple(edge for toolkit in toolkits() for edge in getattr(toolkit, "EDGES", ()))


def runtimes() -> tuple[RuntimeSpec, ...]:
    """Every runtime."""
    return tuple(spec for toolkit in toolkits() for spec in getattr(toolkit, "RUNTIMES", ()))


def edge(name: str) -> Edge:
    """The converter of that name."""
    found = {edge.name: edge for edge in edges()}
    if name not in found:
        raise UsageError(f"no converter is called {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def runtime(name: str) -> RuntimeSpec:
    """The runtime of that name."""
    found = {spec.name: spec for spec in runtimes()}
    if name not in found:
        raise UsageError(f"no runtime is called {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def runtimes_for(format: Format) -> tuple[RuntimeSpec, ...]:
    """Every runtime that opens files of a format."""
    return tuple(spec for spec in runtimes() if format in spec.formats)


def inspector(format: Format) -> InspectorSpec:
    """Who reads files of a format tensor by tensor."""
    for toolkit in toolkits():
        for spec in getattr(toolkit, "INSPECTORS", ()):
            if spec.format is format:
                return spec
    raise UnsupportedError(f"no inspector reads {format} files")


@cache
def version(package: str) -> str:
    """The installed version of a distribution, or an empty text. `tensorflow` will do for `tensorflow-cpu`."""
    for name in (package, package.removesuffix("-cpu")):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def missing(packages: tuple[str, ...]) -> tuple[str, ...]:
    """The distributions among `packages` that are not installed."""
    return tuple(package for package in packages if not version(package))
