"""The verb that times two files against each other: bench."""

from __future__ import annotations

import dataclasses
import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from pipeline.checks.outcome import Check, Outcome
from pipeline.commands import options

First = Annotated[str, typer.Argument(help="The file in question, or code to run, file.py:function.")]
Second = Annotated[str, typer.Argument(help="What it is timed against.")]
Inputs = Annotated[str, typer.Option(help="golden (of the bundle), random, or a .safetensors or .npz file.")]
RuntimeA = Annotated[
    str, typer.Option(help="Runtime of the first file, a family or a full name.", show_default="the format's first")
]
RuntimeB = Annotated[
    str, typer.Option(help="Runtime of the second file, a family or a full name.", show_default="the format's first")
]
Limit = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        metavar="PERCENT",
        help="End with exit code 1 unless the first file is surely no more than this slower.",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the verb to the command line."""
    app.command(epilog="Example: edge-export bench a.tflite b.tflite --budget 10")(bench)


def bench(
    a: First,
    b: Second,
    inputs: Inputs = "random",
    runtime_a: RuntimeA = "",
    runtime_b: RuntimeB = "",
    budget: Annotated[float, typer.Option(min=0.2, help="Seconds to measure for, at most.")] = 16.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each runtime.")] = 1,
    fail_if_slower: Limit = None,
    input: options.Input = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Times two files in turns, and says which is faster, that they are equal, or that it cannot tell.

    It ends as soon as the interval of the ratio decides. The second file is also timed against itself: where even
    those differ, the machine is too noisy, and it says so.
    """
    from pipeline.configs import load_configs
    from pipeline.lone import toolbox
    from pipeline.race import race
    from pipeline.request import parse_inputs

    gate = load_configs(None, None)[1].latency
    if fail_if_slower is not None:
        gate = dataclasses.replace(gate, max_ratio=1 + fail_if_slower / 100)
    sizes = parse_inputs(options.words(input))
    with toolbox() as (pool, limits):
        check = race(a, b, inputs, (runtime_a, runtime_b), budget, threads, gate, pool, limits, sizes)
    if json:
        document = {"schema_version": 1, "a": a, "b": b, "decision": check.metrics.get("decision")}
        document |= {"metrics": dict(check.metrics), "outcome": check.outcome.value, "reasons": list(check.reasons)}
        typer.echo(json_module.dumps(document, indent=1, default=str))
    else:
        _say(Path(a).name, Path(b).name, check)
    judged = fail_if_slower is not None or check.outcome is Outcome.FAILED
    raise typer.Exit(1 if judged and check.outcome is not Outcome.PASSED else 0)


def _say(a: str, b: str, check: Check) -> None:
    """The verdict first, then what it rests on."""
    metrics = check.metrics

    def ratio(name: str) -> str:
        low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
        between = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
        return f"{metrics[f'{name}_ratio' if name == 'control' else name]:.3f}{between}"

    if "says" in metrics:
        typer.echo(f"{a} (a) against {b} (b): {metrics['says']}")
        for side, prefix in (("a", "latency"), ("b", "baseline")):
            p50, p90 = metrics[f"{prefix}_ms_p50"], metrics[f"{prefix}_ms_p90"]
            typer.echo(f"  {side}        {p50:.4g} ms a call (median), 90 % within {p90:.4g} ms")
        typer.echo(f"  ratio    {ratio('ratio')}")
        typer.echo(f"  control  {ratio('control')}: b against itself, {metrics['control']}")
        typer.echo(f"  measured {metrics['rounds']} rounds, {metrics['pairs']} pairs, {metrics['measured_s']:.1f} s")
        typer.echo(f"  noise    {metrics['noise'] or 'none seen'}")
    for reason in check.reasons:
        typer.echo(f"  {check.outcome}  {reason}")
