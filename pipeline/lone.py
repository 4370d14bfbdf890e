"""Artifacts as files: from a bundle, with all that its manifest knows, or alone, with what the file says of itself."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from converters import content, registry
from converters.contract import Arrays, Artifact, Format, RuntimeSpec, Signature, TensorSpec
from converters.device import split_name
from converters.errors import DataError, ModelError, UnavailableError, UsageError
from converters.inspection import Inspection
from converters.sniff import sniff
from converters.tables import within_tables
from converters.worker import WorkerPool
from pipeline import config, golden
from pipeline.binding import as_large, introduced, real
from pipeline.bundle import open_bundle
from pipeline.bundle.write import is_bundle
from pipeline.captured import capture, is_builder, title
from pipeline.config import Limits
from pipeline.golden_inputs import synthesise
from pipeline.looks import guess_precision
from pipeline.plausible import constant, require_sizes, settled
from pipeline.task import worker_limits

RANDOM_SAMPLES = 64
SEED = 0


@contextlib.contextmanager
def toolbox() -> Iterator[tuple[WorkerPool, Limits]]:
    """Workers for questions that need no workspace; their logs go with them."""
    limits = config.load().limits
    with (
        tempfile.TemporaryDirectory(prefix="edge-export-") as folder,
        WorkerPool(Path(folder), worker_limits(limits)) as pool,
    ):
        yield pool, limits


def inspect_file(path: Path, pool: WorkerPool, limits: Limits) -> Inspection:
    """What a file says of itself, read in a worker without running it.

    Raises:
        ModelError: missing, empty, damaged, or of no known format.
        UnavailableError: the toolkit that reads it is not installed.
    """
    spec = registry.inspector(sniff(path))
    _require(spec.packages, f"reading {spec.format} files")
    found: Inspection = pool.call(
        spec.worker, "converters.job:inspect", limits.inspect_s, path=path.resolve(), format=spec.format
    )
    return found


def open_artifact(
    given: Path | str,
    pool: WorkerPool,
    limits: Limits,
    inputs: tuple[TensorSpec, ...] = (),
    beside: Path | str = "",
    *,
    declared: bool = True,
) -> tuple[Artifact, Path | None]:
    """(the artifact at a path or of a builder, its golden pack where the file lies in a bundle).

    `file.py:function` is built: code that the user chose to run. `inputs` are what it takes; of a file, the sizes and
    limits of those that it leaves open. Of a file `beside` a builder they are the builder's: what the file says
    otherwise, as another layout or number type, stays. Unless sizes must be as `declared`, a file may contradict them.

    Raises:
        ModelError: as `inspect_file`, or a bundle whose files have changed, or as `captured.capture`; or an output
            that declares other sizes than it has.
        UsageError: inputs that are not the file's, or that a builder leaves open.
    """
    if is_builder(given):
        return capture(str(given), inputs, pool, limits), None
    path = Path(given).resolve()
    if is_bundle(path.parent):  # a publisher may have a manifest.json of his own
        bundle = open_bundle(path.parent)
        for artifact in bundle.artifacts:
            if artifact.path.resolve() == path:
                return artifact, bundle.golden.get(artifact.framework)
    inspection = inspect_file(path, pool, limits)
    if declared:
        require_sizes(path.name, inspection)
    own = within_tables(inspection)
    if not own.inputs and inspection.format is Format.TORCHSCRIPT:
        path, own = _described(path, inspection, inputs, pool, limits)
    artifact = Artifact(
        path=path,
        format=inspection.format,
        precision=guess_precision(inspection),
        signature=own,
        source=Signature(tuple(map(real, own.inputs)), tuple(map(real, own.outputs))),
        model=path.stem,
        sha256=content.sha256(path),
        graph_hash=inspection.graph_hash,
        size_bytes=content.size_bytes(path),
    )
    names = {spec.name for spec in artifact.source.inputs}
    said = [spec for spec in inputs if spec.name in names]
    return settled(artifact, said, others=bool(beside) and is_builder(beside)), None


def _described(
    path: Path, inspection: Inspection, inputs: tuple[TensorSpec, ...], pool: WorkerPool, limits: Limits
) -> tuple[Path, Signature]:
    """A TorchScript of others with its signature, where `inputs` say all that it takes; else as it is.

    Arguments that always have one value are written into a copy, which lies beside the pool's logs.
    """
    needed = [name for name in inspection.metadata.get("inputs", "").split(", ") if name]
    given = {spec.name: spec for spec in inputs}
    if not needed or not set(needed) <= set(given):
        return path, inspection.signature
    values = {name: spec.limits[0] for name, spec in given.items() if name in needed and constant(spec) and spec.limits}
    if values:
        copy = bound_copy(path, pool)
        _script(pool, limits, "bind", path=path, copy=copy, values=values)
        path = copy
    sized = tuple(given[name] for name in needed if name not in values)
    signature: Signature = _script(pool, limits, "described", path=path, inputs=sized)
    return path, signature


def bound_copy(path: Path, pool: WorkerPool) -> Path:
    """Where a copy of a model goes into which values of inputs are written: beside the pool's logs, under its name."""
    return Path(tempfile.mkdtemp(prefix="bound-", dir=pool.log_folder)) / path.name


def _script(pool: WorkerPool, limits: Limits, function: str, **arguments: Any) -> Any:
    return pool.call("torch", f"converters.model_files.script:{function}", limits.inspect_s, **arguments)


def met(a: Artifact, b: Artifact, pool: WorkerPool, limits: Limits) -> tuple[Artifact, Artifact]:
    """`introduced`, once it is sure that one which says nothing of its tensors takes as many as the other gives.

    Sizes that one leaves open are those that the other says.

    Raises:
        ModelError: it takes more, or fewer: the two are not called alike.
    """
    for told, silent in ((a, b), (b, a)):
        if told.source.inputs and not silent.source.inputs and not silent.builder:
            said = inspect_file(silent.path, pool, limits).metadata.get("inputs", "")
            own, other = said.split(", "), [spec.name for spec in told.source.inputs]
            if said and len(own) != len(other):
                raise ModelError(
                    f"{silent.path.name} is called with {len(own)} inputs ({said}), {title(told)} with {len(other)} "
                    f"({', '.join(other)}): they are not called alike, and nothing of them can be compared. An "
                    f"argument that always has one value is said so: --input {own[-1]}=VALUE"
                )
    a, b = introduced(a, b)
    return as_large(a, b), as_large(b, a)


def default_runtime(artifact: Artifact, name: str = "") -> RuntimeSpec:
    """The runtime of that name, a family's first or a full one; without a name the first one of the artifact's format.

    Raises:
        UsageError: it does not open such files.
        UnavailableError: it is not installed, or its device is not here.
    """
    fit = registry.runtimes_for(artifact.format)
    if name and split_name(name)[0] not in {spec.name for spec in fit}:
        names = ", ".join(spec.name for spec in fit) or "none"
        raise UsageError(f"{name!r} does not run {artifact.format} files; those that do: {names}")
    spec = named_runtimes(name or fit[0].name)[0]
    require(spec)
    return spec


def named_runtimes(name: str) -> tuple[RuntimeSpec, ...]:
    """What a user means by a runtime's name: `registry.select`; a device that is not here stands for itself.

    Raises:
        UsageError: there is none of that name; the message lists what there is.
    """
    try:
        return registry.select(name)
    except UsageError:
        family = registry.runtime(split_name(name)[0])
        absent = [spec for spec in registry.expand(family) if spec.device and spec.device.missing]
        if not absent:
            raise
        return (dataclasses.replace(absent[0], name=name),)


def cpu_runtimes(format: Format) -> tuple[RuntimeSpec, ...]:
    """The runtimes of a format on this machine's own CPU, variants included, the first of the format first.

    Not those that compute in less than the file declares: they prove something where they are named.
    """
    families = [family for family in registry.runtimes_for(format) if not family.devices]
    found = [spec for family in families for spec in registry.expand(family)]
    return tuple(spec for spec in found if not registry.arithmetic(spec))


def require(spec: RuntimeSpec) -> None:
    """Raises UnavailableError, with what to do, where a runtime's packages or device are not here."""
    registry.require_device(spec)
    _require(spec.packages, f"running {spec.name}")


def inputs_for(artifact: Artifact, wanted: str, packs: list[Path | None]) -> Arrays:
    """Stacked inputs, (n, *shape) by name: those of a golden pack, made-up ones, or a file's.

    `wanted` is `golden`, `random`, or the path of a golden pack, a .safetensors or an .npz file.

    Raises:
        UsageError: no golden pack is known, or there is no such file.
        DataError: the file cannot be read, or does not hold what the artifact takes.
    """
    if not artifact.source.inputs:
        raise UsageError(
            f"{title(artifact)} does not say what it takes, as TorchScript of other tools does not; name it second, "
            "behind a file that does"
        )
    if wanted == "golden":
        for pack in packs:
            if pack is not None:
                return _fitting(golden.read(pack).inputs, artifact, pack)
        raise UsageError(
            "neither file lies in a bundle with a golden pack; give --inputs FILE (.safetensors or .npz), "
            "or --inputs random for made-up ones"
        )
    if wanted == "random":
        return synthesise(artifact.source.inputs, RANDOM_SAMPLES, SEED)
    path = Path(wanted)
    if not path.is_file():
        raise UsageError(f"--inputs {wanted!r} is no file; use golden, random, or a .safetensors or .npz file")
    try:
        arrays = _read(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(f"--inputs {path} cannot be read: {error}") from error
    return _fitting(arrays, artifact, path)


def _read(path: Path) -> Arrays:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    with contextlib.suppress(ModelError):
        return golden.read(path).inputs
    return load_file(path)


def _fitting(arrays: Arrays, artifact: Artifact, path: Path) -> Arrays:
    """The arrays that the artifact takes; with one of each the names may differ."""
    specs = artifact.source.inputs
    if len(arrays) == len(specs) == 1:
        arrays = {specs[0].name: next(iter(arrays.values()))}
    for spec in specs:
        if spec.name not in arrays:
            raise DataError(
                f"{path} holds {', '.join(arrays) or 'nothing'}, {title(artifact)} takes "
                f"{', '.join(spec.name for spec in specs)}: name the arrays so"
            )
        found = arrays[spec.name]
        sizes = zip((None, *spec.shape), found.shape, strict=False)
        if found.ndim != len(spec.shape) + 1 or any(size not in (None, n) for size, n in sizes):
            raise DataError(f"{path}: {spec.name!r} is {found.shape}, {title(artifact)} takes (samples, *{spec.shape})")
        if found.dtype != np.dtype(spec.dtype):
            raise DataError(f"{path}: {spec.name!r} is {found.dtype}, {title(artifact)} takes {spec.dtype}")
    return {spec.name: arrays[spec.name] for spec in specs}


def _require(packages: tuple[str, ...], what: str) -> None:
    missing = registry.missing(packages)
    if missing:
        names = " ".join(missing)
        raise UnavailableError(f"{what} needs what is not installed here: pip install {names}")
