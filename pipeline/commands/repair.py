"""The verb `repair`: int8 that loses too much is made again, with the fewest layers in float."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands import options
from pipeline.commands.options import words

if TYPE_CHECKING:
    from pipeline.repair.candidates import Bench, Candidate
    from pipeline.repair.problem import Problem

EXAMPLES = """\b
Examples:
  edge-export repair model.tflite --data photos/
  edge-export repair model.onnx --data samples.npz --target-drop 1 --out repaired
  edge-export repair --model fashion-cnn --framework torch --target tflite
"""
Source = Annotated[Path | None, typer.Argument(help="A float .tflite or .onnx file.", show_default=False)]
Data = Annotated[str, typer.Option(help="What it is calibrated and judged by: a folder of images, an .npz.")]
Drop = Annotated[
    float | None,
    typer.Option(min=0.0, help="Points of accuracy that may be lost.", show_default="that of the gate accuracy.int8"),
]
MostKept = Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the layers that may stay in float.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where the file, its recipe and the report are written.")]
Recipe = Annotated[str, typer.Option(help="Make the file of this recipe and judge it, without a search.")]
Seconds = Annotated[float, typer.Option(min=0.0, help="Seconds to time each file of the front for; 0: none.")]


def register(app: typer.Typer) -> None:
    """Adds the verb to the command line."""
    app.command(epilog=EXAMPLES)(repair)


def repair(
    source: Source = None,
    data: Data = "",
    target_drop: Drop = None,
    max_kept: MostKept = 0.5,
    recipe: Recipe = "",
    model: Annotated[str, typer.Option(help="Instead of a file: a reference model, or file.py:function.")] = "",
    framework: Annotated[list[str] | None, typer.Option("--framework", "-f", help="Of --model.")] = None,
    target: Annotated[list[str] | None, typer.Option("--target", "-t", help="Of --model: tflite or onnx.")] = None,
    image_size: Annotated[str, typer.Option(help="Resize the images of --data to HxW, for example 96x128.")] = "",
    calibration_samples: Annotated[int, typer.Option(min=1, help="Training samples for ranges and errors.")] = 256,
    budget: Seconds = 2.0,
    out: Out = Path("repaired"),
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    gates: options.Gates = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Finds the int8 file that keeps the accuracy: better ranges and equalized weights first, then layers in float."""
    import tempfile

    from pipeline.configs import load_configs
    from pipeline.lone import toolbox
    from pipeline.repair.candidates import Bench
    from pipeline.repair.deliver import require_writable

    configs, parsed = load_configs(None, gates)
    require_writable(out)
    with toolbox() as (pool, limits), tempfile.TemporaryDirectory(prefix="edge-export-") as name:
        given = dict(locals())
        problem = _problem(given, Path(name))
        _say(json, *problem.notes)
        bench = Bench(problem, target_drop, parsed, Path(name), pool, limits)
        bench.said = lambda candidate: _say(json, _line(bench, candidate))
        document, code = _work(bench, given)
    if json:
        typer.echo(json_module.dumps({"schema_version": 1, **document}, indent=1))
    raise typer.Exit(code)


def _problem(given: dict[str, Any], folder: Path) -> Problem:
    from converters.errors import UsageError
    from pipeline.recipes import load_recipe
    from pipeline.repair.planned import of_model
    from pipeline.repair.problem import of_file
    from pipeline.request import Request, parse_size

    source, model = given["source"], given["model"]
    if bool(source) == bool(model):
        raise UsageError("repair takes one float file, or one --model: edge-export repair FILE --data DATA")
    size = parse_size(given["image_size"])
    if source:
        samples = given["calibration_samples"]
        if given["recipe"]:
            samples = load_recipe(Path(given["recipe"]))[1].calibration_samples or samples
        return of_file(source, given["data"], samples, folder, given["pool"], given["limits"], size)
    request = Request(
        targets=words(given["target"]),
        model=model,
        frameworks=words(given["framework"]),
        precisions=("fp32", "int8"),
        data=given["data"],
        image_size=size,
        recipe=given["recipe"],
    )
    return of_model(request, given["workspace"], given["configs"])


def _work(bench: Bench, given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The repair, what is told of it, and the exit code."""
    from pipeline.checks.outcome import Outcome
    from pipeline.repair.deliver import deliver, told, verdict
    from pipeline.repair.front import rows, timed
    from pipeline.repair.page import text_table
    from pipeline.repair.repair import by_recipe
    from pipeline.repair.repair import repair as search

    as_json, out = given["json"], given["out"]

    def say(text: str) -> None:
        _say(as_json, text)

    found = by_recipe(bench, Path(given["recipe"])) if given["recipe"] else search(bench, say, given["max_kept"])
    passed = found.passed and found.best.check.outcome is Outcome.PASSED
    if found.best is found.plain and found.passed and not given["recipe"]:
        say(verdict(bench, found))
        return told(bench, found, rows(bench, found), ()), 0 if passed else 1
    table, notes = rows(bench, found), list(found.notes)
    if given["budget"] > 0:
        table, missed = timed(bench, table, given["parsed"].latency, given["budget"])
        notes += missed
    made = deliver(out, bench, found, table, [*bench.problem.notes, *notes])
    say(text_table(table))
    say(verdict(bench, found))
    for reason in found.best.check.reasons:
        say(f"  {reason}")
    say(f"{len(bench.files)} files were made and judged; {made.artifact}, {made.recipe} and the report lie in {out}")
    return made.document, 0 if passed else 1


def _line(bench: Bench, candidate: Candidate) -> str:
    what = [key for key in ("equalize", "bias_correction") if candidate.options.get(key)]
    what += [candidate.options["ranges"]] if "ranges" in candidate.options else []
    what += [f"{len(candidate.kept)} in float"] if candidate.kept else []
    lost = f"{candidate.snr_db:.1f} dB from float"
    if candidate.drop_points is not None:
        lost = f"drop {candidate.drop_points:.2f} points on {candidate.samples} of {bench.count} samples, {lost}"
    return f"  {len(bench.files):>3}  {' '.join(what) or 'int8 as it stands'}: {lost}"


def _say(as_json: bool, *texts: str) -> None:
    for text in texts:
        typer.echo(text, err=as_json)
