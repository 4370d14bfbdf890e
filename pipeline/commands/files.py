"""The verbs that take finished files: compare, inspect, validate."""

from __future__ import annotations

import dataclasses
import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands import options

First = Annotated[str, typer.Argument(help="What counts as right: an artifact, or code to run, file.py:function.")]
Second = Annotated[str, typer.Argument(help="What is judged: an artifact, or code to run, file.py:function.")]
File = Annotated[Path, typer.Argument(help="An artifact: .tflite, .onnx, TorchScript .pt, ExecuTorch .pte.")]
RuntimeA = Annotated[
    str, typer.Option(help="Runtime of the first file, a family or a full name.", show_default="the format's first")
]
RuntimeB = Annotated[
    str, typer.Option(help="Runtime of the second file, a family or a full name.", show_default="the format's first")
]


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    app.command(epilog="Example: edge-export compare dist/m/a.onnx dist/m/b.tflite")(compare)
    app.command(epilog="Example: edge-export inspect dist/m/b.tflite")(inspect)
    app.command(epilog="Example: edge-export validate dist/fashion-cnn")(validate)


def compare(
    a: First,
    b: Second,
    inputs: options.Inputs = "",
    runtime_a: RuntimeA = "",
    runtime_b: RuntimeB = "",
    input: options.Input = None,
    drift: Annotated[bool, typer.Option(help="Compare layer by layer too, where both can be looked into.")] = True,
    gates: options.Gates = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Runs two artifacts of any two formats on the same inputs and judges the second against the first.

    By its outputs, and by its layers: what the outputs of these inputs hide is found there.
    """
    from pipeline.captured import title
    from pipeline.checks.outcome import Outcome, worst
    from pipeline.compare import compare as compare_files
    from pipeline.configs import load_configs
    from pipeline.lone import toolbox
    from pipeline.request import parse_inputs

    _, parsed = load_configs(None, gates)
    sizes = parse_inputs(options.words(input))
    with toolbox() as (pool, limits):
        kinds = {"inside": drift, "own_gates": gates is not None}
        found = compare_files(a, b, inputs, parsed, pool, limits, (runtime_a, runtime_b), sizes, **kinds)
    outcome = worst(check.outcome for check in found.checks if check.required)
    if json:
        cell = {
            "route": found.b.route,
            "precision": found.b.precision.value,
            "runtime": found.runtime_b,
            "outcome": outcome.value,
            "reasons": [f"{c.name}: {r}" for c in found.checks if c.outcome is not Outcome.PASSED for r in c.reasons],
            "metrics": {f"{c.name}.{name}": value for c in found.checks for name, value in c.metrics.items()},
        }
        names = [side.builder or str(side.path) for side in (found.a, found.b)]
        sides = {"a": names[0], "runtime_a": found.runtime_a, "b": names[1], "samples": found.samples}
        sides |= {"stateful": found.stateful}
        layers = {"drift": found.drift.to_json()} if found.drift is not None else {}
        _print_json({**sides, "outcome": outcome.value, "cells": [cell], **layers})
    else:
        head = f"{title(found.b)} ({found.runtime_b}) against {title(found.a)} ({found.runtime_a})"
        order = " as one sequence from a fresh state (stateful)" if found.stateful else ""
        _print_checks(f"{head}, {found.samples} {found.inputs} inputs{order}", found.checks)
    raise typer.Exit(0 if outcome is Outcome.PASSED else 1)


def inspect(file: File, json: options.Json = False, debug: options.Debug = False) -> None:
    """Says what a file is made of, read tensor by tensor without running it."""
    from converters import content
    from pipeline.lone import inspect_file, toolbox
    from pipeline.looks import guess_precision

    with toolbox() as (pool, limits):
        found = inspect_file(file, pool, limits)
    precision = guess_precision(found)
    if json:
        _print_json({"file": str(file), "precision": precision.value, **dataclasses.asdict(found)})
        return
    from collections import Counter

    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    size = content.size_bytes(file)
    console.print(f"[bold]{escape(file.name)}[/]  {found.format}, looks {precision}, {size:,} bytes")
    for side, specs in (("input", found.signature.inputs), ("output", found.signature.outputs)):
        for spec in specs:
            scale = f"  scale {spec.scale:g} zero point {spec.zero_point}" if spec.quantized else ""
            console.print(f"  {side:<7}{spec.name}  {list(spec.shape)} {spec.dtype}{scale}", markup=False)
    if not found.signature.inputs:
        console.print("  the file does not say what goes in and comes out, by name and shape")
    ops = Counter(op.type for op in found.ops)
    console.print("  operators  " + ", ".join(f"{name} x{count}" for name, count in ops.most_common()), markup=False)
    sizes: Counter[str] = Counter()
    for tensor in found.tensors:
        if tensor.constant:
            sizes[tensor.dtype] += tensor.size_bytes
    console.print("  constants  " + ", ".join(f"{name} {size:,} bytes" for name, size in sizes.most_common()))
    if found.stateful:
        console.print("  stateful: values stay from one call to the next")
    console.print(f"  graph hash {found.graph_hash}")
    for name, value in found.metadata.items():
        console.print(f"  {name}  {value}", markup=False, soft_wrap=True)


def validate(
    path: Annotated[Path, typer.Argument(help="A bundle folder, or an artifact file, anyone's.")],
    inputs: Annotated[
        str,
        typer.Option(help="golden (a bundle's; made up where there is none), random, or a .safetensors or .npz file."),
    ] = "golden",
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these: a family (litert-gpu) or one in full (litert-xnnpack[4t]); `edge-export devices` lists "
            "them. Without it, all of this machine's CPU."
        ),
    ] = None,
    input: options.Input = None,
    drift: Annotated[bool, typer.Option(help="Hold files of a bundle against their fp32 file, layer by layer.")] = True,
    gates: options.Gates = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Judges a bundle, or one artifact, anew on this machine: parity, layers, precision, placement.

    Right is what the framework computed, where golden data lies in the bundle or is given. A file alone is judged by
    itself on another runtime of this CPU, with made-up inputs, and the check `yardstick` says on which.
    """
    from pipeline.configs import load_configs
    from pipeline.lone import toolbox
    from pipeline.report.document import cell_to_json
    from pipeline.request import parse_inputs
    from pipeline.revalidate import Wanted, exit_code, revalidate

    _, parsed = load_configs(None, gates)
    sizes = parse_inputs(options.words(input))
    wanted = Wanted(path, inputs, parsed, gates is not None, options.words(runtime), sizes, drift)
    cells = []
    with toolbox() as (pool, limits):
        for cell in revalidate(wanted, pool, limits):
            cells.append(cell)
            if not json:
                _print_checks(f"{cell.artifact}@{cell.runtime}  {cell.outcome.value}", cell.checks)
    if json:
        _print_json({"path": str(path), "cells": [cell_to_json(cell) for cell in cells]})
    raise typer.Exit(exit_code(cells))


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json_module.dumps({"schema_version": 1, **document}, indent=1, default=str))


def _print_checks(title: str, checks: Any) -> None:
    from rich.console import Console
    from rich.markup import escape

    from pipeline.report.text import metric

    console = Console(highlight=False)
    console.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    for check in checks:
        note = "" if check.required else " (not required)"
        console.print(f"  {check.outcome.value:<12}{check.name}{note}")
        for reason in check.reasons:
            console.print(f"      {reason}", markup=False, soft_wrap=True)
        values = ", ".join(f"{name} {metric(name, value)}" for name, value in check.metrics.items() if "." not in name)
        if values:
            console.print(f"      {values}", markup=False, style="dim", soft_wrap=True)
