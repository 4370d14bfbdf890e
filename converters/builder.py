"""Builders: the user's functions that make models, `module:function` or `path/file.py:function`.

A builder returns an nn.Module or a keras.Model. It is code that the user chose to run, in a worker that has the
framework.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import random
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from converters.contract import Framework
from converters.errors import ModelError
from converters.model_files.served import Served

_SEED = 0
_LONGEST = 400


def build(builder: str, args: Mapping[str, Any], framework: str | None) -> Any:
    """What the builder returns for `args`, after seeding; an nn.Module in eval mode or a keras.Model.

    Raises:
        ModelError: there is no such file, module or function, it raises, or it returns something else.
    """
    with _importable(builder):
        module, function = _builder(builder)
        _require_callable(builder, function, args)
        _seed(framework, module)
        try:
            model = function(**args)
        except (Exception, SystemExit) as error:
            raise ModelError(f"the builder {builder!r} failed{_where(error, module)}: {last_line(error)}") from error
    found = framework_of(model)
    if found is None or (framework and found != framework):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        wanted = {"torch": "an nn.Module", "tensorflow": "a keras.Model"}.get(framework or "", "a model")
        raise ModelError(
            f"the builder {builder!r} returned {kind}, not {wanted}; return an nn.Module or a keras.Model "
            "and name its framework"
        )
    return model.eval() if found is Framework.TORCH else model


def framework_of(model: Any) -> Framework | None:
    """Which framework made a model, by its type; None for anything else."""
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if torch is not None and isinstance(model, torch.nn.Module):
        return Framework.TORCH
    if (keras is not None and isinstance(model, keras.Model)) or isinstance(model, Served):
        return Framework.TENSORFLOW
    return None


def module_of(builder: str) -> ModuleType:
    """The module of a builder; a file is imported under a name made from its path and bytes.

    Raises:
        ModelError: the file or module does not exist or cannot be imported.
    """
    place, _, name = builder.rpartition(":")
    if not place or not name:
        raise ModelError(f"builder {builder!r} is not `module:function` or `file.py:function`")
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        return _import_file(Path(place))
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{place} of builder {builder!r} cannot be imported: {last_line(error)}") from error


def _builder(builder: str) -> tuple[ModuleType, Callable[..., Any]]:
    module = module_of(builder)
    name = builder.rpartition(":")[2]
    function = getattr(module, name, None)
    if not callable(function):
        own = [
            k
            for k, v in vars(module).items()
            if inspect.isroutine(v) and getattr(v, "__module__", "") == module.__name__
        ]
        exists = ", ".join(sorted(k for k in own if not k.startswith("_"))) or "no functions"
        raise ModelError(f"{builder.rpartition(':')[0]} has no function {name!r}; it has {exists}")
    return module, function


def _require_callable(builder: str, function: Callable[..., Any], args: Mapping[str, Any]) -> None:
    try:
        inspect.signature(function).bind(**args)
    except ValueError:  # a callable that tells nothing
        return
    except TypeError as error:
        given = f"with {', '.join(args)}" if args else "without arguments"
        raise ModelError(f"the builder {builder!r} is called {given}: {error}; give its parameters defaults") from None


def _where(error: BaseException, module: ModuleType) -> str:
    """` in line 12`, the deepest line of the builder's own file that the error came through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == module.__file__]
    return f" in line {lines[-1]}" if lines else ""


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"there is no file {path} (in {Path.cwd()}); give `path/to/file.py:function`")
    path = path.resolve()
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()
    name = f"edge_export_model_{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{digest[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ModelError(f"Python cannot import {path}")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


@contextmanager
def _importable(builder: str) -> Iterator[None]:
    """The builder file's folder first on the path while it is built, last afterwards (for late imports)."""
    place = builder.rpartition(":")[0]
    if not place.endswith(".py"):
        yield
        return
    folder = str(Path(place).resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


def _seed(framework: str | None, module: ModuleType) -> None:
    """Seeds the framework, or each one that the builder's module may use."""
    random.seed(_SEED)
    np.random.seed(_SEED)
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        text = ""
    for name, package in ((Framework.TORCH, "torch"), (Framework.TENSORFLOW, "keras")):
        used = re.search(rf"\b(import|from)\s+({package}|{name})\b", text) if framework is None else framework == name
        if used and package == "torch":
            importlib.import_module("torch").manual_seed(_SEED)
        elif used:
            importlib.import_module("keras").utils.set_random_seed(_SEED)


def last_line(error: BaseException) -> str:
    """A short error's text on one line, or a long one's last line, after its type.

    Of a Keras error that is the line before its list of arguments.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("\nArguments received by ")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    whole = " ".join(lines)
    said = whole if len(whole) <= _LONGEST else lines[-1]
    return f"{type(error).__name__}: {said}" if lines else type(error).__name__
