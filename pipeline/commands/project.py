"""The verb that writes a project file: init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from converters.errors import UsageError
from pipeline.commands import options

Source = Annotated[
    str,
    typer.Argument(
        help="The model: .onnx, SavedModel, .keras, .h5, .pt2, TorchScript .pt, or file.py:function.",
        show_default="the only one in this folder",
    ),
]
_ENDINGS = (".onnx", ".keras", ".h5", ".pt2", ".pt", ".torchscript")


def register(app: typer.Typer) -> None:
    """Adds the verb to the command line."""
    app.command(epilog="Example: edge-export init model.onnx --data photos/")(init)


def init(
    source: Source = "",
    data: Annotated[str, typer.Option(help="Labelled data: a folder of images, an .npz, or file.py:function.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a project file that is there.")] = False,
    debug: options.Debug = False,
) -> None:
    """Writes edge-export.toml: what plain `edge-export run` makes in this folder."""
    from pipeline import project
    from pipeline.store import write_atomic

    place = Path.cwd() / project.FILE
    if place.exists() and not force:
        raise UsageError(f"{place} is there already; edit it, or write it anew with --force")
    model = source or _only_model(Path.cwd())
    text = project.text(_inside(model), _inputs(model), _inside(data) if data else "")
    write_atomic(place, text.encode())
    project.load(place)  # what does not hold is said at once
    typer.echo(f"{place} is written; `edge-export run` makes what it says")


def _only_model(folder: Path) -> str:
    """The one model file in a folder.

    Raises:
        UsageError: none, or several.
    """
    found = sorted(
        path.name for path in folder.iterdir() if path.suffix in _ENDINGS or (path / "saved_model.pb").is_file()
    )
    if len(found) != 1:
        there = f"there are {', '.join(found)}" if found else f"none of {', '.join(_ENDINGS)} is here"
        raise UsageError(f"say which model, as in `edge-export init model.onnx` or `model.py:build`: {there}")
    return found[0]


def _inside(text: str) -> str:
    """A place as the project file says it: relative where it lies in this folder."""
    place, colon, function = text.partition(".py:")
    path = Path(f"{place}.py" if colon else text)
    if not path.exists():
        return text
    resolved = path.resolve()
    shown = resolved.relative_to(Path.cwd().resolve()) if resolved.is_relative_to(Path.cwd().resolve()) else resolved
    return f"{shown.as_posix()}{':' if colon else ''}{function}"


def _inputs(model: str) -> tuple[str, ...]:
    """What a file says that it takes, with `?` for a size that it leaves open; nothing of a builder."""
    from pipeline.lone import inspect_file, toolbox

    if ".py:" in model:
        return ()
    with toolbox() as (pool, limits):
        signature = inspect_file(Path(model), pool, limits).signature
    return tuple(
        f"{spec.name}:{'x'.join('?' if size is None else str(size) for size in spec.shape)}:{spec.dtype}"
        for spec in signature.inputs
        if spec.shape
    )
