"""A model given as code, `file.py:function` or `module:function`: called once, then one side of a question."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import tempfile
from pathlib import Path

from converters import registry
from converters.contract import Artifact, Format, Framework, TensorSpec
from converters.errors import UsageError
from converters.worker import WorkerPool
from pipeline.config import Limits
from pipeline.request import framework_of_file

_BUILDER = re.compile(r"(?P<place>.+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)")
_FORMATS = {Framework.TORCH: Format.TORCH, Framework.TENSORFLOW: Format.KERAS}


def is_builder(given: Path | str) -> bool:
    """Whether this names a function that builds a model, and no file."""
    return bool(_BUILDER.fullmatch(str(given))) and not Path(given).exists()


def capture(builder: str, inputs: tuple[TensorSpec, ...], pool: WorkerPool, limits: Limits) -> Artifact:
    """The source model that a builder makes, built in a worker, its weights beside the pool's logs.

    It is code that the user chose to run. `inputs` are those of `--input`; without them the Keras model or the
    function `example_inputs()` beside the builder says what goes in.

    Raises:
        UsageError: there is no such file, or nobody says what the inputs are.
        ModelError: the builder fails, or the model does not take these inputs.
    """
    match = _BUILDER.fullmatch(builder)
    assert match is not None
    place = match["place"]
    file = Path(place) if place.endswith(".py") else _file_of(place)
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UsageError(f"there is no file {place} (in {Path.cwd()}); give your model as path/to/file.py:function")
        builder = f"{Path(place).resolve()}:{match['function']}"
    framework = _framework(file)
    folder = Path(tempfile.mkdtemp(prefix="source-", dir=pool.log_folder))
    found: Artifact = pool.call(
        registry.runtimes_for(_FORMATS[framework or Framework.TORCH])[0].worker,
        "converters.source:capture",
        limits.reference_s,
        builder=builder,
        builder_args={},
        weights_out=folder / "weights",
        inputs=inputs or None,
        framework=framework,
    )
    return dataclasses.replace(found, model=Path(place).stem if file else place.rpartition(".")[2])


def title(artifact: Artifact) -> str:
    """How a user called a model: a file's name, or `file.py:function`."""
    place, _, function = artifact.builder.rpartition(":")
    return f"{Path(place).name}:{function}" if function else artifact.path.name


def _framework(file: Path | None) -> Framework | None:
    """The framework that a file imports; None where it imports both, or neither: what it returns will tell."""
    try:
        return framework_of_file(f"{file}:") if file else None
    except UsageError:
        return None


def _file_of(module: str) -> Path | None:
    """Where a module lies, when it can be told."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(found.origin) if found and found.origin and found.origin.endswith(".py") else None
