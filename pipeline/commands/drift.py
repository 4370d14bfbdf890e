"""The verb `drift`: whether one file is the model that another is, and which layer is not."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.checks.drift.suspects import Drift, Side


def register(app: typer.Typer) -> None:
    """Adds the verb to the command line."""
    app.command(epilog="Example: edge-export drift honest.tflite suspect.tflite")(drift)


def drift(
    a: Annotated[str, typer.Argument(help="The model that counts as right: a file, or code to run, file.py:function.")],
    b: Annotated[str, typer.Argument(help="The model under suspicion: a file, or file.py:function.")],
    inputs: options.Inputs = "",
    input: options.Input = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Says whether B is the model that A is, and if not, which layer differs, how, and what it looks like."""
    from pipeline.checks.outcome import Outcome
    from pipeline.drift import drift as compare_graphs
    from pipeline.lone import toolbox
    from pipeline.request import parse_inputs

    sizes = parse_inputs(options.words(input))
    with toolbox() as (pool, limits):
        found = compare_graphs(a, b, inputs, pool, limits, sizes)
    typer.echo(json_format.dumps(found.to_json(), indent=1, default=str) if json else _text(found))
    raise typer.Exit(0 if found.outcome is Outcome.PASSED else 1)


def _text(found: Drift) -> str:
    shares = found.coverage
    lines = [f"{found.outcome.value}  {found.b} against {found.a}"]
    for suspect in found.suspects:
        shown = suspect.b if suspect.b.op_index is not None else suspect.a
        place = "" if shown.op_index is None else f" {shown.op_index}"
        if not shown.op_type:  # the file as a whole
            lines.append(f"  {suspect.cause} ({suspect.measure})")
            continue
        lines.append(f"  {shown.op_type}{place}: {suspect.cause} ({suspect.measure})")
        lines += [f"    {name}: {_side(side)}" for name, side in (("a", suspect.a), ("b", suspect.b))]
    if shares["ops"]:
        aligned, compared = (_percent(shares[name]) for name in ("ops_aligned", "weights_compared"))
        lines.append(f"  {aligned} of {shares['ops']} operators aligned, {compared} of the weights compared")
    lines += [f"  note: {note}" for note in found.notes]
    return "\n".join(lines)


def _percent(share: float | int | None) -> str:
    return "none" if share is None else f"{share:.0%}"


def _side(side: Side) -> str:
    said = ", ".join(f"{name} {value}" for name, value in side.parameters.items())
    where = "not there" if side.op_index is None else f"{side.op_type} {side.op_index}"
    return " ".join(filter(None, [where, ", ".join(side.tensors), said]))
