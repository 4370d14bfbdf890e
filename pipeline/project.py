"""`edge-export.toml`: what plain `edge-export run` makes of the model in a folder; found there or above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from converters.errors import ConfigError
from pipeline.config import parse, read_toml
from pipeline.datasets import BUILT_IN
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing

FILE = "edge-export.toml"


@dataclass(frozen=True)
class Project:
    """What a project file says; every part but `model` may be left out. Places are relative to the file.

    `model` is a file or `file.py:function`; `inputs` are texts as of `--input`; `data` is a folder of images, an .npz,
    the name of a data set, or `file.py:function`, which returns arrays by name; `labels` is a text file with one name
    a line. `preprocessing` is what becomes of the pixels of images in `data`. `state` names, by an output, the input
    that it goes back into with the next call. `gates` is laid over configs/gates.toml.
    """

    model: str
    name: str = ""
    framework: str = ""
    inputs: tuple[str, ...] = ()
    data: str = ""
    image_size: str = ""
    labels: str = ""
    targets: tuple[str, ...] = ("all",)
    precisions: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    recipe: str = ""
    out: str = "dist"
    preprocessing: Preprocessing = AS_THEY_ARE
    state: Mapping[str, str] = field(default_factory=dict)
    gates: Mapping[str, Any] = field(default_factory=dict)


def find(start: Path) -> Path | None:
    """The project file in a folder or the nearest one above."""
    folder = start.resolve()
    return next((place / FILE for place in (folder, *folder.parents) if (place / FILE).is_file()), None)


def load(path: Path) -> Project:
    """What a project file says, its places made absolute.

    Raises:
        ConfigError: an unknown key (with the nearest known one), a wrong type, or a model or data that is not there.
    """
    said = read_toml(path)
    images = _preprocessing(said.pop("preprocessing", {}), path)
    project = replace(parse(Project, said, path), preprocessing=images)
    if images != AS_THEY_ARE and not project.data:
        raise ConfigError(f"{path}: [preprocessing] is of the images of `data`, and it names none")
    folder = path.resolve().parent

    def placed(text: str, what: str) -> str:
        place, colon, function = text.partition(".py:")
        there = folder / (f"{place}.py" if colon else text)
        if text and not there.exists():
            raise ConfigError(f"{path}: {what} names {text!r}, and there is no {there}")
        return f"{there}{':' if colon else ''}{function}" if text else ""

    return replace(
        project,
        model=placed(project.model, "model"),
        data=project.data if project.data in BUILT_IN else placed(project.data, "data"),
        labels=placed(project.labels, "labels"),
        recipe=placed(project.recipe, "recipe"),
        out=str(folder / project.out),
    )


def _preprocessing(said: Any, path: Path) -> Preprocessing:
    try:
        return parse(Preprocessing, said, path, "[preprocessing]")
    except ConfigError as error:
        raise ConfigError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def text(model: str, inputs: tuple[str, ...], data: str) -> str:
    """A project file for a model, with what else may be said in comments."""
    shown = ", ".join(f'"{each}"' for each in inputs)
    return _TEMPLATE.format(
        model=model,
        inputs=f"inputs = [{shown}]" if shown and "?" not in shown else f"# inputs = [{shown or _EXAMPLE}]",
        data=f'data = "{data}"' if data else '# data = "photos"',
    )


_EXAMPLE = '"image:1x3x224x224:float32:0..1"'
_TEMPLATE = """\
# `edge-export run` in this folder, or below it, makes what this file says. Options on the command line win over it.
# Places are relative to this file. docs/your_model.md says what each key takes.

model = "{model}"

# Sizes of inputs that the model leaves open, and the values that they take.
{inputs}

# Labelled data, by which accuracy is judged: a folder of images (one sub-folder a class), an .npz file, or
# "file.py:function", your own code, which returns arrays by name as the model takes them, and `labels` where there are.
# Without data, inputs are made up, and accuracy is NOT_RUN.
{data}
# labels = "labels.txt"      # names of the classes, one a line, in the order of their numbers
# image_size = "96x96"       # of images from a folder

targets = ["tflite", "onnx"]   # `edge-export run --help` lists them, or ["all"]
# precisions = ["fp32", "int8"]  # without it, every one that a route makes
# devices = ["gpu", "arm64"]     # proved beside this machine's CPU

# [preprocessing]                # of images, where it is not inside the model: (pixel * scale - mean) / std
# scale = 0.00392156862745098    # 1 / 255
# mean = [0.485, 0.456, 0.406]   # one number for all channels, or one for each
# std = [0.229, 0.224, 0.225]
# colour = "rgb"                 # or bgr, grey
# resize = "stretch"             # or fit: as large as fits, in the middle of black

# [state]                        # which output goes back into which input; found where their names say it
# new_memory = "memory"

# [gates.parity.int8]            # laid over the project's configs/gates.toml
# min_snr_db = 20
# reason = "why that is enough here"
"""
