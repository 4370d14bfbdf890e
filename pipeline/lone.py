"""Artifacts as files: from a bundle, with all that its manifest knows, or alone, with what the file says of itself."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from converters import registry
from converters.contract import Arrays, Artifact, Precision, RuntimeSpec, Signature, TensorSpec
from converters.errors import DataError, ModelError, UnavailableError, UsageError
from converters.inspection import Inspection
from converters.sniff import sniff
from converters.worker import WorkerPool
from pipeline import config, golden
from pipeline.bundle import open_bundle
from pipeline.bundle.write import MANIFEST
from pipeline.config import Limits
from pipeline.golden_inputs import synthesise
from pipeline.store import file_sha256
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


def open_artifact(path: Path, pool: WorkerPool, limits: Limits) -> tuple[Artifact, Path | None]:
    """(the artifact at `path`, its golden pack where the file lies in a bundle).

    Raises:
        ModelError: as `inspect_file`, or a bundle whose files have changed.
    """
    path = path.resolve()
    if (path.parent / MANIFEST).is_file():
        bundle = open_bundle(path.parent)
        for artifact in bundle.artifacts:
            if artifact.path.resolve() == path:
                return artifact, bundle.golden.get(artifact.framework)
    inspection = inspect_file(path, pool, limits)
    own = inspection.signature
    artifact = Artifact(
        path=path,
        format=inspection.format,
        precision=guess_precision(inspection),
        signature=own,
        source=Signature(tuple(map(_real, own.inputs)), tuple(map(_real, own.outputs))),
        model=path.stem,
        sha256=file_sha256(path),
        graph_hash=inspection.graph_hash,
        size_bytes=path.stat().st_size,
    )
    return artifact, None


def guess_precision(inspection: Inspection) -> Precision:
    """What the file's weights look like; the check `precision` is stricter, this only chooses a gate."""
    weights: dict[str, int] = {}
    for tensor in inspection.tensors:
        if tensor.constant and len(tensor.shape) > 1:
            weights[tensor.dtype] = weights.get(tensor.dtype, 0) + int(np.prod(tensor.shape, dtype=np.int64))
    main = max(weights, key=lambda dtype: weights[dtype], default="float32")
    if main == "float16":
        return Precision.FP16
    if main not in ("int8", "uint8", "int4"):
        return Precision.FP32
    specs = (*inspection.signature.inputs, *inspection.signature.outputs)
    if all(spec.quantized for spec in specs):
        return Precision.INT8_IO
    produced = {index for op in inspection.ops for index in op.outputs if index >= 0}
    activations = any(inspection.tensors[index].dtype in ("int8", "uint8") for index in produced)
    return Precision.INT8 if activations else Precision.DYNAMIC


def default_runtime(artifact: Artifact, name: str = "") -> RuntimeSpec:
    """The runtime of that name, or the first one of the artifact's format.

    Raises:
        UsageError: it does not open such files.
        UnavailableError: it is not installed.
    """
    fit = registry.runtimes_for(artifact.format)
    if name and name not in {spec.name for spec in fit}:
        names = ", ".join(spec.name for spec in fit) or "none"
        raise UsageError(f"{name!r} does not run {artifact.format} files; those that do: {names}")
    spec = registry.runtime(name) if name else fit[0]
    _require(spec.packages, f"running {spec.name}")
    return spec


def inputs_for(artifact: Artifact, wanted: str, packs: list[Path | None]) -> Arrays:
    """Stacked inputs, (n, *shape) by name: those of a golden pack, made-up ones, or a file's.

    `wanted` is `golden`, `random`, or the path of a golden pack, a .safetensors or an .npz file.

    Raises:
        UsageError: no golden pack is known, or there is no such file.
        DataError: the file cannot be read, or does not hold what the artifact takes.
    """
    if not artifact.source.inputs:
        raise UsageError(
            f"{artifact.path.name} does not say what it takes, as TorchScript of other tools does not; name it second, "
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
                f"{path} holds {', '.join(arrays) or 'nothing'}, {artifact.path.name} takes "
                f"{', '.join(spec.name for spec in specs)}: name the arrays so"
            )
        found = arrays[spec.name]
        sizes = zip((None, *spec.shape), found.shape, strict=False)
        if found.ndim != len(spec.shape) + 1 or any(size not in (None, n) for size, n in sizes):
            raise DataError(
                f"{path}: {spec.name!r} is {found.shape}, {artifact.path.name} takes (samples, *{spec.shape})"
            )
        if found.dtype != np.dtype(spec.dtype):
            raise DataError(f"{path}: {spec.name!r} is {found.dtype}, {artifact.path.name} takes {spec.dtype}")
    return {spec.name: arrays[spec.name] for spec in specs}


def speaking(artifact: Artifact, source: Signature) -> Artifact:
    """The artifact taking inputs and giving outputs as `source` says, in its order and layout, under the file's names.

    A single tensor on each side binds whatever its name. A file that says nothing of its tensors, as other people's
    TorchScript, is taken at its word to be called as `source` says.

    Raises:
        ModelError: a tensor without a partner of the same size.
    """
    own = artifact.signature
    if not own.inputs and not own.outputs:
        return dataclasses.replace(artifact, signature=source, source=source)
    inputs, ours = _bind(source.inputs, own.inputs, artifact, "input")
    outputs, theirs = _bind(source.outputs, own.outputs, artifact, "output")
    return dataclasses.replace(artifact, signature=Signature(ours, theirs), source=Signature(inputs, outputs))


def _bind(
    source: tuple[TensorSpec, ...], own: tuple[TensorSpec, ...], artifact: Artifact, side: str
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Both sides, partner by partner, with layouts that say how their axes go together.

    Partners share a name; where no name at all is shared (converters lose them), order decides. An input must have
    one; an output without one is left to the check, which calls it missing or unexpected.
    """
    named = {spec.name: spec for spec in own}
    if len(own) == len(source) and not any(spec.name in named for spec in source):
        named = {spec.name: partner for spec, partner in zip(source, own, strict=True)}
    lonely = [spec.name for spec in source if spec.name not in named]
    if lonely and side == "input":
        raise ModelError(f"{artifact.path.name} has no input {', '.join(lonely)}; it has {', '.join(named)}")
    pairs = [_laid_out(spec, named[spec.name], artifact, side) for spec in source if spec.name in named]
    taken = {second.name for _, second in pairs}
    extra = [spec for spec in own if spec.name not in taken]
    if extra and side == "input":
        raise ModelError(
            f"{artifact.path.name} also wants {', '.join(spec.name for spec in extra)}, which nobody gives"
        )
    pairs += [(_real(spec), spec) for spec in extra]
    return tuple(first for first, _ in pairs), tuple(second for _, second in pairs)


def _laid_out(spec: TensorSpec, own: TensorSpec, artifact: Artifact, side: str) -> tuple[TensorSpec, TensorSpec]:
    real = dataclasses.replace(_real(spec), name=own.name)
    if spec.layout and own.layout and sorted(spec.layout) == sorted(own.layout):
        sizes = dict(zip(spec.layout, spec.shape, strict=True))
        if any(
            None not in (n, sizes[axis]) and n != sizes[axis] for axis, n in zip(own.layout, own.shape, strict=True)
        ):
            raise ModelError(
                f"{side} {spec.name!r} is {spec.layout} {spec.shape} on one side and {own.layout} {own.shape} in "
                f"{artifact.path.name}: two models of other sizes"
            )
        return real, own
    there = [n or 1 for n in spec.shape]
    here = [n or 1 for n in own.shape]
    bare = dataclasses.replace(real, layout=""), dataclasses.replace(own, layout="")
    if there == here:
        return bare
    letters = "ABCDEFGH"[: len(there)]
    orders = [p for p in permutations(range(len(there))) if len(here) == len(there) and [there[i] for i in p] == here]
    keeps_batch = [p for p in orders if p[0] == 0] or orders
    if len(keeps_batch) != 1:
        raise ModelError(
            f"{side} {spec.name!r} is {tuple(there)} on one side and {tuple(here)} in {artifact.path.name}: "
            + ("several orders of the axes fit" if orders else "no order of the axes fits")
        )
    return (
        dataclasses.replace(real, layout=letters),
        dataclasses.replace(own, layout="".join(letters[i] for i in keeps_batch[0])),
    )


def _real(spec: TensorSpec) -> TensorSpec:
    """A quantized tensor as the real numbers that it stands for."""
    return dataclasses.replace(spec, dtype="float32", scale=None, zero_point=None) if spec.quantized else spec


def _require(packages: tuple[str, ...], what: str) -> None:
    missing = registry.missing(packages)
    if missing:
        names = " ".join(missing)
        raise UnavailableError(f"{what} needs what is not installed here: pip install {names}")
