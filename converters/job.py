"""What a worker runs: conversions as requires -> run -> ensures, inspections, and runs of samples."""

from __future__ import annotations

import dataclasses
import importlib
import math
import os
import time
from pathlib import Path

from converters import content, drift_job, registry
from converters.contract import (
    CALIBRATED,
    Arrays,
    Artifact,
    ConversionRequest,
    Edge,
    Format,
    Precision,
    Signature,
    TensorSpec,
)
from converters.errors import ContractError, EdgeExportError, ModelError, ToolkitError
from converters.inspection import Inspection
from converters.model_files import LOADED_AS
from converters.opening import guarded, open_anew, open_session
from converters.samples import every, load_samples
from converters.session import Session
from converters.state import Probe
from converters.state import probe as probe_state
from converters.tuning.options import kept_names, parse
from converters.words import last_words

SOURCE_FORMATS = (Format.TORCH, Format.KERAS)
LEAST_WEIGHT_SHARE = 0.5
"""A converter may fold some trainable numbers away (batch norm); below this share it has lost weights."""
_SMALL = 64
"""Bytes of a constant that says how to compute rather than with which weights."""
_TELLING = 4096
"""Bytes of weights below which a converter that folds, and stores equal ones once, may lose most of them."""
FEWEST = 32
"""Samples that are run however long they take: half of them real ones, which the gates want."""
_BYTES_PER_WEIGHT = {
    Precision.FP32: 4,
    Precision.FP16: 2,
    Precision.INT8_WEIGHTS: 1,
    Precision.INT4_WEIGHTS: 0.5,
    Precision.PALETTIZED: 0.5,
    Precision.DYNAMIC: 1,
    Precision.INT8: 1,
    Precision.INT8_IO: 1,
    Precision.INT16X8: 1,
}


def convert(edge_name: str, request: ConversionRequest) -> Artifact:
    """The artifact that an edge makes at `request.target`, written whole or not at all, read back and verified.

    Raises:
        ContractError: the request does not fit the edge, or the written file is not what the edge says.
        ModelError: the source file is missing.
        UnsupportedError: the toolkit says that it cannot convert this model.
        ToolkitError: the toolkit failed, or lost weights.
    """
    edge = registry.edge(edge_name)
    _require(edge, request)
    target = request.target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        signature = guarded(
            edge,
            lambda: getattr(importlib.import_module(edge.module), edge.name)(
                dataclasses.replace(request, target=temporary)
            ),
        )
        inspection = _ensure(edge, request, temporary, signature)
        if inspection.needs and inspection.needs.understated:  # quantizers copy what the float file claims
            importlib.import_module(registry.inspector(edge.target).module).claim(temporary, inspection.needs.version)
        content.sync(temporary)
        content.replace(temporary, target)
        beside = _bring_beside(temporary, target)
    finally:
        content.remove(temporary)
        for left in temporary.parent.glob(f"{temporary.name}.*"):
            content.remove(left)
    source = request.source
    return Artifact(
        path=target,
        format=edge.target,
        precision=request.precision,
        signature=signature,
        source=source.source,
        model=source.model,
        framework=source.framework,
        route=source.route or edge.toolkit,
        producer=edge.name,
        versions={**source.versions, **{package: registry.version(package) for package in edge.packages}},
        sha256=content.sha256(target),
        graph_hash=inspection.graph_hash,
        size_bytes=content.size_bytes(target),
        kept=_kept(request),
        beside=beside,
    )


def _bring_beside(temporary: Path, target: Path) -> tuple[str, ...]:
    """Moves the files that a converter left beside its own; their names behind its name."""
    found = sorted(temporary.parent.glob(f"{temporary.name}.*"))
    names = tuple(path.name.removeprefix(f"{temporary.name}.") for path in found)
    for path, name in zip(found, names, strict=True):
        content.sync(path)
        content.replace(path, target.with_name(f"{target.name}.{name}"))
    return names


def inspect(path: Path, format: Format) -> Inspection:
    """What a file says of itself, read without running it.

    Raises:
        ModelError: the file is missing, empty, damaged or of another format.
    """
    if not path.exists():
        raise ModelError(f"there is no file {path}")
    if content.size_bytes(path) == 0:
        raise ModelError(f"{path} is empty; make it again or fetch it again")
    reader = importlib.import_module(registry.inspector(format).module)
    try:
        return reader.inspect(path)
    except EdgeExportError:
        raise
    except Exception as error:
        raise ModelError(f"{path} cannot be read as {format}: {last_words(error)}") from error


def run_samples(
    runtime: str,
    artifact: Artifact,
    samples: Path,
    prefix: str = "",
    threads: int = 1,
    fresh: bool = False,
    budget_s: float = math.inf,
) -> Arrays:
    """The outputs for stacked inputs `(n, *shape)` of an .npz or .safetensors file, stacked in the same way.

    Only arrays whose names start with `prefix` are inputs; the prefix is cut off. `fresh` runs them in a session that
    has seen nothing, for a model that keeps state without the file saying so. Of samples that would take longer than
    `budget_s`, only those of `converters.samples.every` are run, `FEWEST` or more; a sequence is whole.
    """
    inputs = load_samples(samples, prefix)
    session = open_anew(runtime, artifact, threads) if fresh else open_session(runtime, artifact, threads)
    try:
        return guarded(registry.runtime(runtime), lambda: session.run_many(_affordable(session, inputs, budget_s)))
    finally:
        if fresh:
            session.close()


def _affordable(session: Session, inputs: Arrays, budget_s: float) -> Arrays:
    """The inputs, or as many of them as the budget allows, by the time of a second call."""
    count = len(next(iter(inputs.values()), ()))
    if budget_s == math.inf or session.stateful or count <= FEWEST:
        return inputs
    one = {name: values[:1] for name, values in inputs.items()}
    session.run_many(one)
    start = time.perf_counter()
    session.run_many(one)
    most = budget_s / max(time.perf_counter() - start, 1e-9)
    rows = every(count, int(min(most, count)), FEWEST)
    return {name: values[rows] for name, values in inputs.items()}


def probe(runtime: str, artifact: Artifact, samples: Path, prefix: str = "", threads: int = 1) -> Probe:
    """How a model behaves on two or more stacked inputs of a file; its sessions are not kept.

    Raises:
        EdgeExportError: the file cannot be opened at all.
    """
    unsized = any(None in spec.shape for spec in artifact.signature.inputs)
    return probe_state(lambda: open_anew(runtime, artifact, threads), load_samples(samples, prefix), unsized=unsized)


def placement(runtime: str, artifact: Artifact, threads: int = 1) -> list[tuple[str, str]]:
    """(operator type, device or kernel set) of each node, as the runtime tells it; empty when it cannot."""
    return open_session(runtime, artifact, threads).placement()


def _require(edge: Edge, request: ConversionRequest) -> None:
    source = request.source
    if edge.source not in (source.format, LOADED_AS.get(source.format)):
        raise ContractError(f"{edge.name} converts {edge.source}, not {source.format}")
    if request.precision not in edge.precisions:
        raise ContractError(f"{edge.name} makes {', '.join(edge.precisions)}, not {request.precision}")
    unknown = sorted(set(request.options) - set(edge.options))
    if unknown:
        raise ContractError(f"{edge.name} knows no option {', '.join(unknown)}; it knows {', '.join(edge.options)}")
    if source.format not in SOURCE_FORMATS and source.precision is not Precision.FP32:
        raise ContractError(f"{edge.name} starts from fp32, not {source.precision}")
    if not content.present(source.path):
        raise ModelError(f"{edge.name}: the source file {source.path} is missing")
    if request.precision in CALIBRATED:
        if request.calibration is None:
            raise ContractError(f"{edge.name} needs calibration inputs for {request.precision}")
        samples, wanted = load_samples(request.calibration), {spec.name for spec in source.source.inputs}
        if set(samples) != wanted:
            raise ContractError(f"calibration holds {sorted(samples)}, the model takes {sorted(wanted)}")
        if not all(map(len, samples.values())):
            raise ContractError(f"calibration holds no samples: {request.calibration}")


def _kept(request: ConversionRequest) -> tuple[str, ...]:
    """What the recipe leaves in float, by the source file and not by what the quantizer did."""
    wanted = parse({key: value for key, value in request.options.items() if key in ("keep", "keep_ops")})
    return kept_names(drift_job.graph(request.source), wanted) if wanted.keeps else ()


def _ensure(edge: Edge, request: ConversionRequest, written: Path, signature: Signature) -> Inspection:
    if not content.present(written) or content.size_bytes(written) == 0:
        raise ContractError(f"{edge.name} wrote nothing")
    try:
        inspection = inspect(written, edge.target)
    except ModelError as error:
        reason = str(error).replace(str(written), request.target.name)
        raise ToolkitError(f"{edge.name} wrote a file that does not read back: {reason}") from error
    for side, said, found in (
        ("inputs", signature.inputs, inspection.signature.inputs),
        ("outputs", signature.outputs, inspection.signature.outputs),
    ):
        if _plain(said) != _plain(found):
            raise ContractError(f"{edge.name}: the file's {side} are {_plain(found)}, not {_plain(said)}")
    for side, ours, theirs in (
        ("inputs", signature.inputs, request.source.source.inputs),
        ("outputs", signature.outputs, request.source.source.outputs),
    ):
        if {spec.name for spec in ours} != {spec.name for spec in theirs}:
            raise ContractError(f"{edge.name} lost names of {side}: {[spec.name for spec in ours]}")
    _ensure_weights(edge, request, inspection)
    return inspection


def parameter_count(artifact: Artifact) -> int:
    """How many numbers of a model reach an output, as gradients tell; of other files a quarter of all bytes.

    Of branches of which a constant may decide, those of the smallest.

    Raises:
        EdgeExportError: the model cannot be loaded, or its file cannot be read.
    """
    from converters import source

    if artifact.format in (*SOURCE_FORMATS, Format.PT2, Format.SAVEDMODEL, Format.KERAS_FILE):
        return source.parameter_count(artifact)
    held = _constant_bytes(inspect(artifact.path, artifact.format))
    if artifact.format is Format.ONNX:
        held -= importlib.import_module("converters.onnx.load").untaken_bytes(artifact.path)
    return held // 4


def _ensure_weights(edge: Edge, request: ConversionRequest, inspection: Inspection) -> None:
    """A Keras function whose variables were not frozen becomes a small, wrong file without a word."""
    if edge.prepass:
        weights = _constant_bytes(inspect(request.source.path, request.source.format), floats=True)
        least = weights if weights >= _TELLING else 0
    else:
        least = round(parameter_count(request.source) * _BYTES_PER_WEIGHT[request.precision])
    found = _constant_bytes(inspection)
    if found < LEAST_WEIGHT_SHARE * least:
        raise ToolkitError(
            f"{edge.name} lost weights: the file holds {found} bytes of constants, expected about {least}"
        )


def _constant_bytes(inspection: Inspection, floats: bool = False) -> int:
    """Of all constants, or of those that are weights: sizes, places and limits may be folded, or stored in less."""
    found = [tensor for tensor in inspection.tensors if tensor.constant]
    weights = [tensor for tensor in found if "float" in tensor.dtype and tensor.size_bytes > _SMALL]
    return sum(tensor.size_bytes for tensor in (weights if floats else found))


def _plain(specs: tuple[TensorSpec, ...]) -> dict[str, tuple[tuple[int | None, ...], str]]:
    return {spec.name: (spec.shape, spec.dtype) for spec in specs}
