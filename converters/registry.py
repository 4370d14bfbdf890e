"""Which module serves which edge, runtime and file format. Declarations only: no toolkit is imported.

A runtime is declared as a family and named in full with its device and variant in brackets: `family[device,option]`.

Each package `converters.<toolkit>` declares EDGES, RUNTIMES, INSPECTORS and TRACERS in its `__init__`; other people's
packages do the same and name themselves under the entry point group `edge_export.toolkits`, or, while they are
being written, in the environment variable EDGE_EXPORT_TOOLKITS (module names, separated by commas).
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType

from converters.contract import Edge, Format, InspectorSpec, Precision, RuntimeSpec
from converters.device import Device, Launch, split_name
from converters.errors import UnavailableError, UnsupportedError, UsageError
from converters.toolchains.toolchain import Toolchain
from converters.tracer import TracerSpec

BUILT_IN = (
    *("litert", "litert_web", "onnx", "torchscript", "executorch", "coreml", "eager", "torch_export", "tf_graph"),
    *("onnx2tf", "onnx_tf", "onnx_tflite", "ort", "ptl", "android"),
)
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
    """Every runtime as declared, its devices not looked for."""
    return tuple(spec for toolkit in toolkits() for spec in getattr(toolkit, "RUNTIMES", ()))


def edge(name: str) -> Edge:
    """The converter of that name."""
    found = {edge.name: edge for edge in edges()}
    if name not in found:
        raise UsageError(f"no converter is called {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def runtime(name: str) -> RuntimeSpec:
    """The runtime of that name, a family's or a full one; its device is not looked for."""
    found = {spec.name: spec for spec in runtimes()}
    family, options = split_name(name)
    if family not in found:
        raise UsageError(f"no runtime is called {name!r}; there are {', '.join(sorted(found))}")
    return dataclasses.replace(found[family], name=name) if options else found[family]


@cache
def devices(function: str) -> tuple[Device, ...]:
    """What "module:function" finds on this machine, looked for once a process."""
    module, _, name = function.partition(":")
    found: tuple[Device, ...] = getattr(importlib.import_module(module), name)()
    return found


def expand(spec: RuntimeSpec) -> tuple[RuntimeSpec, ...]:
    """One runtime for each device and variant of a family, with the worker that each device has of its own."""
    found = devices(spec.devices) if spec.devices else (None,)
    return tuple(_on(spec, device, variant) for device in found for variant in spec.variants)


def _on(spec: RuntimeSpec, device: Device | None, variant: str) -> RuntimeSpec:
    inside = ",".join(filter(None, (device.name if device else "", variant)))
    worker = f"{spec.worker}[{device.name}]" if device and device.name else spec.worker
    name = f"{spec.name}[{inside}]" if inside else spec.name
    return dataclasses.replace(spec, name=name, worker=worker, device=device, variants=(variant,))


def arithmetic(spec: RuntimeSpec) -> str:
    """What an expanded runtime computes a float32 file in, where that is not float32."""
    away = spec.device is None if spec.devices else False
    here = not away and not (spec.device and spec.device.missing)
    return spec.arithmetic.get(spec.variants[0], "") if here else ""


def select(name: str) -> tuple[RuntimeSpec, ...]:
    """The runtimes that a user means: the one of exactly that name, else all of that family.

    `litert-xnnpack` is one; `litert-gpu` are all its variants on the GPU that is here.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    family = runtime(split_name(name)[0])
    found = expand(family)
    exact = tuple(spec for spec in found if spec.name == name)
    if exact or name == family.name:
        return exact or found
    there = ", ".join(spec.name for spec in found)
    raise UsageError(f"no runtime is called {name!r} here; of {family.name} there are {there}")


def toolchains() -> tuple[Toolchain, ...]:
    """Every sealed environment."""
    return tuple(chain for toolkit in toolkits() for chain in getattr(toolkit, "TOOLCHAINS", ()))


def toolchain(name: str) -> Toolchain:
    """The sealed environment of that name.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    found = {chain.name: chain for chain in toolchains()}
    if name not in found:
        raise UsageError(f"no toolchain is called {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def made(name: str) -> bool:
    """Whether the sealed environment of that name is here; whether it is whole takes a look at every file."""
    from converters.toolchains import sealed

    return sealed.folder(toolchain(name)).is_dir()


def launch(worker: str) -> Launch:
    """How the process of a worker is started; a sealed environment is made when it is first needed.

    Raises:
        UnavailableError: it runs on a device that is not here; the message says what would make it run.
    """
    for chain in toolchains():
        if worker == chain.name:
            from converters.toolchains import sealed

            return sealed.launch(chain, _say(chain.name))
    for family in runtimes():
        if family.devices and (worker == family.worker or worker.startswith(f"{family.worker}[")):
            for spec in expand(family):
                if spec.worker == worker and spec.device:
                    require_device(spec)
                    return spec.device.launch
    return Launch()


def lacking(edge: Edge) -> tuple[str, ...]:
    """The distributions that a converter needs and this environment has not; a sealed one brings its own."""
    return () if edge.toolchain else missing(edge.packages)


def made_with(edge: Edge) -> str:
    """`torch 2.13.0, onnx 1.23.2`: what a converter works with here, or would in its sealed environment."""
    if not edge.toolchain:
        return ", ".join(f"{package} {version(package) or 'missing'}" for package in edge.packages)
    from converters.toolchains import sealed

    chain = toolchain(edge.toolchain)
    pinned = sealed.packages(chain)
    return f"{', '.join(f'{name} {pinned[name]}' for name in edge.packages)}, {sealed.folder(chain).name}"


def _say(name: str) -> Callable[[str], None]:
    """Tells on standard error what takes long, under the name of what it is for."""
    return lambda text: print(f"[{name}] {text}", file=sys.stderr, flush=True)  # noqa: T201 - seconds to minutes pass


def require_device(spec: RuntimeSpec) -> None:
    """Raises UnavailableError, with what to do, where the runtime's device is not here."""
    if spec.device and spec.device.missing:
        remedy = f"; to have it: {spec.device.remedy}" if spec.device.remedy else ""
        raise UnavailableError(f"{spec.name} cannot run here: {spec.device.missing}{remedy}")


def runtimes_for(format: Format) -> tuple[RuntimeSpec, ...]:
    """Every runtime that opens files of a format."""
    return tuple(spec for spec in runtimes() if format in spec.formats)


def reference_runtime(format: Format) -> RuntimeSpec:
    """Who computes what counts as right for source models of a format: the framework's own eager mode, or the first."""
    found = runtimes_for(format)
    return next((spec for spec in found if spec.reference), found[0])


def inspector(format: Format) -> InspectorSpec:
    """Who reads files of a format tensor by tensor."""
    for toolkit in toolkits():
        for spec in getattr(toolkit, "INSPECTORS", ()):
            if spec.format is format:
                return spec
    raise UnsupportedError(f"no inspector reads {format} files")


def tracers() -> tuple[TracerSpec, ...]:
    """Every format that can be looked into, and who does."""
    return tuple(spec for toolkit in toolkits() for spec in getattr(toolkit, "TRACERS", ()))


def tracer(format: Format, precision: Precision | None = None) -> TracerSpec:
    """Who looks inside models of a format, and of this precision; UnsupportedError where nobody does."""
    for spec in tracers():
        if spec.format is format:
            if precision is not None and precision in spec.unseen:
                raise UnsupportedError(f"nobody looks inside {precision} {format} files: {spec.unseen[precision]}")
            return spec
    known = ", ".join(dict.fromkeys(spec.format for spec in tracers()))
    raise UnsupportedError(f"nobody looks inside {format} models; inside {known} they do")


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
