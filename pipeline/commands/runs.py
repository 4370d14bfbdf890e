"""The verbs that work through the stages: run, train, convert, explain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from converters.errors import UsageError
from pipeline.commands import options
from pipeline.commands.options import words

Source = Annotated[
    str,
    typer.Argument(
        help="A reference model, or your own: file.py:function, .onnx, SavedModel, .keras, .h5, .pt2 or TorchScript.",
        show_default="fashion-cnn",
    ),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        help="tflite, onnx, coreml, executorch, torchscript, pt2, savedmodel, ptl, ort or all.",
        show_default="tflite,onnx of your own model",
    ),
]
Model = Annotated[str, typer.Option(help="The same as SOURCE.", show_default=False)]
FrameworkOption = Annotated[list[str] | None, typer.Option("--framework", "-f", help="torch, tensorflow or both.")]
PrecisionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--precision",
        "-p",
        help="fp32, fp16, int8-weights, int4-weights, palettized, dynamic, int8 (and -io), int16x8, all.",
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(help="Layers left in float: a regular expression searched in the names of tensors.", metavar="REGEX"),
]
NoPrepass = Annotated[
    bool, typer.Option("--no-prepass", help="Give ONNX files to their converters as they are (docs/prepass.md).")
]
Recipe = Annotated[
    str, typer.Option(help="A recipe file, as `edge-export repair` writes, in the place of its precision's.")
]
Data = Annotated[
    str, typer.Option(help="fashion-mnist, digits, a folder of images (one sub-folder a class), or an .npz.")
]
Full = Annotated[bool, typer.Option("--full", help="The whole data set instead of the part that comes along.")]
ImageSize = Annotated[str, typer.Option(help="Resize the images of --data to HxW, for example 96x128.")]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="An input as name:1x3x224x224:float32, with the values that it takes as x:1x3x48x192:float32:-1..1, "
        "or, always one, as sr=16000.",
    ),
]
RouteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--route",
        help="best, the fastest of what passes; all, with sealed toolchains; or only these, as `routes` names them.",
        show_default="best",
    ),
]
Devices = Annotated[
    list[str] | None,
    typer.Option(help="Prove on these too: gpu, arm64, web, android, threads or all.", show_default="none"),
]
Name = Annotated[str, typer.Option(help="The model's name in file names.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where the bundle is written.")]
Force = Annotated[list[str] | None, typer.Option(help="Run this stage again though nothing changed.")]
Jobs = Annotated[int, typer.Option(min=1, help="How many workers may work at once.", show_default="2")]


def register(app: typer.Typer) -> None:
    """Adds the verbs to the command line."""
    app.command(epilog=_RUN_EXAMPLES)(run)
    app.command(epilog="Example: edge-export train fashion-cnn --framework torch --full")(train)
    app.command(epilog="Example: edge-export convert my_model.py:build --target onnx --precision fp32")(convert)
    app.command(epilog="Example: edge-export explain --target tflite")(explain)


_RUN_EXAMPLES = """\b
Examples:
  edge-export run --target tflite
  edge-export run my_model.py:build --target all --input image:1x3x96x128:float32
  edge-export run --target tflite --devices gpu,arm64,web
  edge-export run --target tflite --data photos/ --image-size 96x96 --precision int8
"""


def run(
    source: Source = "",
    target: Target = None,
    framework: FrameworkOption = None,
    precision: PrecisionOption = None,
    route: RouteOption = None,
    model: Model = "",
    data: Data = "",
    full: Full = False,
    image_size: ImageSize = "",
    input: Input = None,
    devices: Devices = None,
    name: Name = "",
    keep: Keep = None,
    no_prepass: NoPrepass = False,
    recipe: Recipe = "",
    out: Out = options.DEFAULT_OUT,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    force: Force = None,
    configs: options.Configs = None,
    gates: options.Gates = None,
    jobs: Jobs = 2,
    json: options.Json = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Trains or loads a model, converts it by every route, proves each artifact, and writes a bundle and a report."""
    _go("report", **{key: value for key, value in locals().items() if key != "debug"})


def train(
    source: Source = "",
    framework: FrameworkOption = None,
    model: Model = "",
    data: Data = "",
    full: Full = False,
    image_size: ImageSize = "",
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    force: Force = None,
    configs: options.Configs = None,
    json: options.Json = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Trains a reference model, or takes up a training that was stopped."""
    _go("train", target=["all"], **{key: value for key, value in locals().items() if key != "debug"})


def convert(
    source: Source = "",
    target: Target = None,
    framework: FrameworkOption = None,
    precision: PrecisionOption = None,
    route: RouteOption = None,
    model: Model = "",
    data: Data = "",
    full: Full = False,
    image_size: ImageSize = "",
    input: Input = None,
    name: Name = "",
    keep: Keep = None,
    no_prepass: NoPrepass = False,
    recipe: Recipe = "",
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    force: Force = None,
    configs: options.Configs = None,
    jobs: Jobs = 2,
    json: options.Json = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Makes the artifacts and says where they lie, without judging them."""
    _go("convert", **{key: value for key, value in locals().items() if key != "debug"})


def explain(
    source: Source = "",
    target: Target = None,
    framework: FrameworkOption = None,
    precision: PrecisionOption = None,
    route: RouteOption = None,
    model: Model = "",
    data: Data = "",
    full: Full = False,
    image_size: ImageSize = "",
    input: Input = None,
    devices: Devices = None,
    name: Name = "",
    keep: Keep = None,
    no_prepass: NoPrepass = False,
    recipe: Recipe = "",
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    configs: options.Configs = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Says for each stage whether it would run, and why; runs nothing."""
    from pipeline.run import explain as explain_run

    given = {key: value for key, value in locals().items() if key not in {"debug", "explain_run"}}
    given = _with_project(given)
    explain_run(_request(given), given["workspace"], configs, as_json=json)


def _go(until: str, **given: Any) -> None:
    from pipeline.run import Options, execute

    given = _with_project(given)
    chosen = Options(
        until=until,
        out=given.get("out") or options.DEFAULT_OUT,
        workspace=given["workspace"],
        force=words(given.get("force")),
        configs=given.get("configs"),
        gates=given.get("gates"),
        own_gates=given.get("own_gates"),
        jobs=given.get("jobs", 2),
        as_json=given["json"],
        verbose=given["verbose"],
    )
    raise typer.Exit(execute(_request(given), chosen))


def _with_project(given: dict[str, Any]) -> dict[str, Any]:
    """What was given, and, where no model was, what `edge-export.toml` here or above says; the command line wins."""
    from pipeline import project

    if given["source"] or given["model"] or not (path := project.find(Path.cwd())):
        return given
    said = project.load(path)
    typer.echo(f"{path} says what is made", err=True)
    lists = {"target": said.targets, "precision": said.precisions, "route": said.routes, "devices": said.devices}
    named = {"data": said.data, "name": said.name, "recipe": said.recipe, "image_size": said.image_size}
    found: dict[str, Any] = {key: list(value) for key, value in lists.items() if value}
    found |= {key: value for key, value in named.items() if value}
    found |= {"keep": list(said.keep)} if said.keep else {}
    found |= {"input": list(said.inputs)} if said.inputs else {}
    found |= {"framework": [said.framework]} if said.framework else {}
    found |= {"out": Path(said.out)} if given.get("out") == options.DEFAULT_OUT else {}
    if given["workspace"] == options.DEFAULT_WORKSPACE:
        found["workspace"] = path.parent / options.DEFAULT_WORKSPACE
    kept = {key: value for key, value in given.items() if value and not (key in ("out", "workspace") and key in found)}
    return {**given, **found, **kept, "source": said.model, "labels": said.labels, "own_gates": said.gates} | {
        "preprocessing": said.preprocessing,
        "state": said.state,
    }


def _request(given: dict[str, Any]) -> Any:
    from pipeline.preprocessing import AS_THEY_ARE
    from pipeline.request import Request, parse_input, parse_size

    source, model = given["source"], given["model"]
    if source and model and source != model:
        raise UsageError(f"two models were given, {source!r} and {model!r}; name one")
    return Request(
        targets=words(given.get("target")),
        model=source or model or "fashion-cnn",
        frameworks=words(given.get("framework")),
        precisions=words(given.get("precision")),
        data=given["data"],
        labels=given.get("labels", ""),
        preprocessing=given.get("preprocessing", AS_THEY_ARE),
        state=given.get("state", {}),
        full=given["full"],
        image_size=parse_size(given["image_size"]),
        inputs=tuple(parse_input(text) for text in given.get("input") or ()),
        name=given.get("name", ""),
        keep=tuple(given.get("keep") or ()),
        prepass=not given.get("no_prepass", False),
        recipe=given.get("recipe", ""),
        routes=words(given.get("route")),
        devices=words(given.get("devices")),
    )
