"""What the user asks for, and what their words stand for; every word that does not exist is told what does."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from converters.contract import Format, Framework, Precision, TensorSpec
from converters.errors import UsageError
from converters.sniff import sniff
from pipeline.config import Configs, ModelConfig, model_names
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing
from pipeline.routes import FILES

PRECISION_GROUPS = {"int8": (Precision.INT8, Precision.INT8_IO)}
"""What a user's word for a precision stands for, where it is more than one."""

USUAL_TARGETS = ("tflite", "onnx")
"""What is made of a model that the user brought without a word on targets: its files for phones of every kind."""


@dataclass(frozen=True)
class Request:
    """What the user asks for, as it comes from the command line."""

    targets: tuple[str, ...]
    model: str
    frameworks: tuple[str, ...] = ()  # empty: every one that the model has
    precisions: tuple[str, ...] = ()  # empty: every one that a route makes
    data: str = ""  # empty: the model's own
    labels: str = ""  # a text file with the names of the classes
    preprocessing: Preprocessing = AS_THEY_ARE  # of images on their way into the model
    full: bool = False
    image_size: tuple[int, int] | None = None
    inputs: tuple[TensorSpec, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)  # input by output: what goes back in with the next call
    name: str = ""
    recipe: str = ""  # a recipe file in the place of the project's for its precision
    prepass: bool = True  # operators of ONNX files that a toolchain lacks or does wrong are replaced first
    keep: tuple[str, ...] = ()  # regular expressions: layers left in float
    routes: tuple[str, ...] = ()  # by name, `best` or `all`; empty: best
    devices: tuple[str, ...] = ()  # groups of configs/targets.toml beside the runtimes that are always proved

    def __post_init__(self) -> None:
        _require_once(self.inputs)

    @property
    def own_model(self) -> bool:
        """Whether the model is the user's own: a builder, `file.py:function`, or a file."""
        return ".py:" in self.model or self.file is not None

    @property
    def file(self) -> Path | None:
        """The model's own file or folder, where the source is one."""
        path = Path(self.model)
        if ".py:" in self.model or path.suffix == ".toml" or self.model in model_names():
            return None
        looks_so = "." in path.name or path.name != self.model
        return path if looks_so or path.exists() else None


def targets_of(names: Sequence[str], configs: Configs, *, own_model: bool = False) -> tuple[str, ...]:
    """The targets of configs/targets.toml that the names stand for; the usual ones of the user's own model without any.

    Raises:
        UsageError: no target given, or none of that name; lists what exists.
    """
    table = "\n".join(f"  {name:<12} {target.title}" for name, target in configs.targets.items())
    exists = f"there are:\n{table}\n  {'all':<12} every one of them\nfor example: make export TARGET=tflite"
    if not names and own_model:
        return USUAL_TARGETS
    if not names:
        raise UsageError(f"no target was given; {exists}")
    for name in names:
        if name != "all" and name not in configs.targets:
            raise UsageError(f"no target is called {name!r}; {exists}")
    return tuple(configs.targets) if "all" in names else tuple(dict.fromkeys(names))


def devices_of(names: Sequence[str], configs: Configs) -> tuple[str, ...]:
    """The groups of devices of configs/targets.toml that the names stand for; none where nothing was said.

    Raises:
        UsageError: no such group.
    """
    there = tuple(dict.fromkeys(group for target in configs.targets.values() for group in target.devices))
    for name in names:
        if name not in {*there, "all", "none"}:
            raise UsageError(
                f"no devices are called {name!r}; there are {', '.join(there)}, all, none. "
                "`edge-export devices` says which of them are here"
            )
    return there if "all" in names else tuple(name for name in dict.fromkeys(names) if name != "none")


def precisions_of(names: Sequence[str]) -> tuple[Precision, ...]:
    """The precisions that the names stand for; none for `all`, or where nothing was said.

    Raises:
        UsageError: no such precision.
    """
    found: list[Precision] = []
    for name in names:
        if name == "all":
            return ()
        if name not in set(Precision):
            raise UsageError(f"no precision is called {name!r}; there are {', '.join(Precision)}, all")
        found += PRECISION_GROUPS.get(name, (Precision(name),))
    return tuple(dict.fromkeys(found))


def start_of(request: Request) -> Format | None:
    """The format of the file that the model is, told by its bytes; None for a builder or a reference model.

    Raises:
        UsageError: no run starts from such files.
        ModelError: it is missing, damaged, unsafe or of no known format.
    """
    path = request.file
    if path is None:
        return None
    if path.suffix == ".py":
        raise UsageError(f"{path} is Python: say which of its functions makes the model, as in {path}:build")
    found = sniff(path)
    if found not in FILES:
        raise UsageError(
            f"{path} is a finished {found} artifact, as runs make them: `edge-export validate {path}` judges it. "
            f"A run starts from file.py:function, or from {', '.join(FILES)} files"
        )
    return found


def frameworks_of(request: Request, model: ModelConfig | None, start: Format | None = None) -> tuple[Framework, ...]:
    """The frameworks to start from: those asked for, else those that the model is written in, or its file is of.

    Raises:
        UsageError: no such framework, or the model is not written in it.
    """
    names = [name for name in request.frameworks if name != "both"]
    for name in names:
        if name not in set(Framework):
            raise UsageError(f"no framework is called {name!r}; there are {', '.join(Framework)}, both")
    if start is not None:
        own = FILES[start]
        if names and names != [own]:
            raise UsageError(f"{request.model} is a {start} file, which is {own}, not {', '.join(names)}")
        return (own,)
    if model is None:
        return (Framework(names[0]),) if len(names) == 1 else (framework_of_file(request.model),)
    wanted = tuple(Framework(name) for name in names) or tuple(Framework(name) for name in model.builders)
    for framework in wanted:
        if framework not in model.builders:
            raise UsageError(f"model {model.name} has no {framework} builder; it has {', '.join(model.builders)}")
    return wanted


def framework_of_file(builder: str) -> Framework:
    """The framework that a user's file imports, read without running it.

    Raises:
        UsageError: the file is missing or no Python, or it imports none of the frameworks, or both.
    """
    path = Path(builder.rpartition(":")[0])
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=path.name)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}; give your model as path/to/file.py:function") from None
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as Python: {error}") from None
    roots = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    found = [
        framework
        for framework, packages in (
            (Framework.TORCH, {"torch", "torchvision"}),
            (Framework.TENSORFLOW, {"tensorflow", "keras"}),
        )
        if roots & packages
    ]
    if len(found) != 1:
        what = "both torch and tensorflow" if found else "neither torch nor keras"
        raise UsageError(
            f"{path} imports {what}; say which it returns with --framework torch or --framework tensorflow"
        )
    return found[0]


def name_of(request: Request, model: ModelConfig | None) -> str:
    """The model's name in file names: as given, else from the user's file or data, else the reference model's."""
    if request.name:
        return request.name
    if request.file is not None:
        return request.file.resolve().stem
    if model is None:
        return Path(request.model.rpartition(":")[0]).stem
    if request.data and request.data != model.dataset:
        return f"{Path(request.data).stem}-cnn"
    return model.name


def parse_size(text: str) -> tuple[int, int] | None:
    """(height, width) of `96x128`; None of an empty text.

    Raises:
        UsageError: another form.
    """
    size = text.lower().split("x") if text else []
    if size and not (len(size) == 2 and all(part.isdigit() and int(part) > 0 for part in size)):
        raise UsageError(f"--image-size {text!r} is not of the form HxW, for example 96x128")
    return (int(size[0]), int(size[1])) if size else None


_NUMBER = r"-?\d+(?:\.\d+)?"
_INPUT = re.compile(
    r"(?P<name>[^:]+(?::\d+)?):(?P<shape>scalar|[1-9]\d*(?:x[1-9]\d*)*)(?::(?P<dtype>[a-z]\w*))?"
    rf"(?::(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER}))?"
)
_VALUE = re.compile(rf"(?P<name>[^=]+)=(?P<value>true|false|{_NUMBER})")


def parse_inputs(texts: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The tensors that texts as of `parse_input` describe, each once.

    Raises:
        UsageError: another form, no such type, or one input twice.
    """
    specs = tuple(parse_input(text) for text in texts)
    _require_once(specs)
    return specs


def _require_once(specs: Sequence[TensorSpec]) -> None:
    names = [spec.name for spec in specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"--input was given twice for {', '.join(twice)}; each input has one shape")


def parse_input(text: str) -> TensorSpec:
    """The tensor that `image:1x3x224x224:float32:0..1` describes; float32 when no type is given.

    The last part, the least and the greatest value, may be left out. `sr=16000` is an input that always has this value
    (`plausible.constant`), whatever its size and type.

    Raises:
        UsageError: another form, or no such type.
    """
    if match := _VALUE.fullmatch(text):
        return _constant(match["name"], match["value"])
    match = _INPUT.fullmatch(text)
    if not match:
        raise UsageError(
            f"--input {text!r} is not of the form name:1x3x224x224:float32, with the values that it takes "
            "name:1x3x224x224:float32:0..1, for a single number name:scalar:int64, or, for one that never changes, "
            "name=16000"
        )
    dtype = match["dtype"] or "float32"
    limits = (float(match["low"]), float(match["high"])) if match["low"] else None
    if limits and limits[0] >= limits[1]:
        raise UsageError(f"--input {text!r}: {match['low']} is not less than {match['high']}")
    try:
        shape = () if match["shape"] == "scalar" else tuple(int(n) for n in match["shape"].split("x"))
        return TensorSpec(match["name"], shape, dtype, limits=limits)
    except TypeError:
        raise UsageError(
            f"--input {text!r}: {dtype!r} is no tensor type; use float32, int64, int32, uint8 or bool"
        ) from None


def _constant(name: str, text: str) -> TensorSpec:
    """An input that always has one value; its size and type are those that the model says."""
    value = float(text) if text not in ("true", "false") else float(text == "true")
    dtype = "bool" if text in ("true", "false") else "float64" if "." in text else "int64"
    return TensorSpec(name, (), dtype, limits=(value, value))
