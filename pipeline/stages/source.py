"""Stage `train` for a model that the user brought as a file: kept, and tried until its framework takes the inputs."""

from __future__ import annotations

import dataclasses
import math
import mmap
import re
from pathlib import Path

from converters import content, registry
from converters.capture import named_axes
from converters.contract import Arrays, Artifact, Format, Framework, Precision, RuntimeSpec, Signature, TensorSpec
from converters.errors import ModelError, ToolkitError, UnsupportedError, UsageError
from converters.inspection import Inspection
from converters.magic import HDF5
from converters.state import Probe
from converters.tables import within_tables
from pipeline import beside, evidence
from pipeline.config import Limits
from pipeline.entries import write_artifact
from pipeline.plausible import constant, described, proposals, require_declared, require_sizes, settle, settled
from pipeline.routes import FILES
from pipeline.store import digest
from pipeline.task import Context, Task, code, versions

_EXTERNAL = b"location"
"""The key under which an ONNX file names another that holds weights."""


_WEIGHTS = ("float64", "float32", "float16", "bfloat16", "int8", "uint8", "int4", "uint4")


_BOUND = {
    Format.ONNX: ("onnx", "converters.onnx.adopt:keep"),
    Format.TORCHSCRIPT: ("torch", "converters.model_files.script:bind"),
}
"""Who writes values of inputs that never change into a file."""


def file_task(path: Path, format: Format, inputs: tuple[TensorSpec, ...], limits: Limits, *, name: str) -> Task:
    """Keeps a copy of the model's file, and finds out what it takes and gives by calling it."""
    runtime = registry.reference_runtime(format)
    inspector = registry.inspector(format)

    def work(context: Context) -> None:
        try:
            keep(context)
        except (UnsupportedError, ToolkitError) as error:  # no cell could say more: without it nothing is right
            said = re.sub(rf"{re.escape(str(context.folder))}/\S+?(?=[\s:,;]|$)", path.name, str(error))
            raise ModelError(f"{path.name} cannot be the start of a run: {said}") from error

    def keep(context: Context) -> None:
        copy = context.folder / f"model{_suffix(path, format)}"
        values = {spec.name: spec.limits[0] for spec in inputs if spec.limits and constant(spec)}
        inside = values if format in _BOUND else {}  # others keep the input, and are always given the value
        sizes = tuple(spec for spec in inputs if spec.name not in inside)
        if format is Format.ONNX or inside:
            worker, function = _BOUND[format]
            context.call(worker, function, limits.inspect_s, path=path.resolve(), copy=copy, values=inside)
        seen = copy if copy.exists() else path.resolve()
        found: Inspection = context.call(
            inspector.worker, "converters.job:inspect", limits.inspect_s, path=seen, format=format
        )
        if seen is not copy:
            content.copy(path, copy)
        _require_float32(found, path.name)
        require_sizes(path.name, found)
        own = within_tables(found)
        signature = own if own.inputs else _described(context, seen, path.name, found, sizes, limits)
        named = _named(signature, FILES[format])
        artifact = Artifact(
            path=copy,
            format=format,
            precision=Precision.FP32,
            signature=named,
            source=named,
            model=name,
            framework=FILES[format].value,
            producer=path.name,
            sha256=content.sha256(copy),
            graph_hash=found.graph_hash,
            size_bytes=content.size_bytes(copy),
        )
        artifact, probe = _tried(context, settled(artifact, sizes, path.name), runtime, found, limits)
        write_artifact(context.folder, artifact, {"odd_constants": _odd(found), "stateful": probe.stateful})

    ingredients = {
        "the model's file": _state(path),
        "inputs": digest([str(inputs), name, path.name]),
        "code of the sources": code(
            "converters/*.py", "converters/model_files", "pipeline/plausible.py", "pipeline/stages/source.py"
        ),
        "packages": versions((*inspector.packages, *runtime.packages)),
    }
    return Task(f"load {name}_{FILES[format]}", "train", ingredients, work, lane=runtime.worker)


def _suffix(path: Path, format: Format) -> str:
    """The ending that the framework wants to see; Keras tells its two kinds of files apart by it."""
    if format is not Format.KERAS_FILE:
        return format.suffix
    with path.open("rb") as file:
        return ".h5" if file.read(len(HDF5)) == HDF5 else format.suffix


def _described(
    context: Context, path: Path, title: str, found: Inspection, inputs: tuple[TensorSpec, ...], limits: Limits
) -> Signature:
    """What a TorchScript of others takes, as the user says, and gives, as a call tells.

    Raises:
        UsageError: an input that nobody described.
    """
    arguments = [name for name in found.metadata.get("inputs", "").split(", ") if name]
    if len(inputs) != len(arguments) or not arguments:
        given = {spec.name for spec in inputs}
        number = f"--input {arguments[-1] if arguments else 'NAME'}=16000"
        options = " ".join(f"--input {name}:1x3x224x224:float32" for name in arguments if name not in given)
        raise UsageError(
            f"{title} does not say the sizes of what it takes ({', '.join(arguments) or 'nothing'}): give each "
            f"argument, as in {options}; one that is a number, or never changes, as in {number}"
        )
    told: Signature = context.call(
        "torch", "converters.model_files.script:described", limits.inspect_s, path=path, inputs=inputs
    )
    return told


def _named(signature: Signature, framework: Framework) -> Signature:
    """The signature with layouts guessed where they are missing."""
    kind = Framework.TENSORFLOW if framework is Framework.TENSORFLOW else Framework.TORCH
    return Signature(
        tuple(named_axes(spec, kind) for spec in signature.inputs),
        tuple(named_axes(spec, kind) for spec in signature.outputs),
    )


def _tried(
    context: Context, artifact: Artifact, runtime: RuntimeSpec, found: Inspection, limits: Limits
) -> tuple[Artifact, Probe]:
    """The artifact with sizes and values that its framework takes, and outputs as they come out; what a probe told.

    Raises:
        ModelError: it draws random numbers, gives numbers that are none, or other sizes than it declares.
    """

    def ask(tried: Artifact, samples: Arrays) -> Probe:
        place = context.folder / "samples.safetensors"
        evidence.save(place, {evidence.INPUT + name: values for name, values in samples.items()})
        try:
            told: Probe = context.call(
                runtime.worker,
                "converters.job:probe",
                limits.measure_s,
                runtime=runtime.name,
                artifact=tried,
                samples=place,
                prefix=evidence.INPUT,
            )
        finally:
            place.unlink()
        return told

    chosen, probe = settle(artifact, list(proposals(artifact)), None, ask, runtime.name)
    _require_provable(artifact, probe, found)
    sized = {spec.name: probe.shapes[spec.name] for spec in chosen.signature.outputs}
    fed = ", ".join(f"{spec.name} {described(spec)}" for spec in chosen.source.inputs)
    context.progress({"phase": f"takes {fed}"})
    outputs = tuple(_as_it_comes(spec, sized[spec.name]) for spec in artifact.source.outputs)
    told = Signature(chosen.source.inputs, outputs)
    return dataclasses.replace(chosen, signature=told, source=told), probe


def _as_it_comes(spec: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    return dataclasses.replace(spec, shape=shape, layout=spec.layout if len(spec.layout) == len(shape) else "")


def _require_provable(artifact: Artifact, probe: Probe, found: Inspection) -> None:
    """Raises ModelError where the model's own outputs are no yardstick."""
    name = artifact.producer
    if probe.random or (probe.stateful and artifact.format is Format.ONNX):  # which has no variables
        raise ModelError(
            f"{name} gives other outputs for the same inputs in a second session: it draws random numbers, and no "
            "conversion of it can be proved; fix its seed"
        )
    odd = _odd(found)
    if not probe.finite and odd:
        raise ModelError(
            f"{name} gives NaN or Inf for every input that was tried, and its weight {odd[0]!r} holds such numbers"
            + (f" (and {len(odd) - 1} more)" if len(odd) > 1 else "")
            + ": export the model again from sound weights; where it is a mask that these inputs leave nothing of, "
            "give inputs that it was made for (--data FILE.npz, or an argument's only value as in --input sr=16000)"
        )
    require_declared(name, artifact.signature.outputs, probe.shapes)


def _require_float32(found: Inspection, name: str) -> None:
    """Raises ModelError where most weights are in another type: every route starts from fp32."""
    counts: dict[str, int] = {}
    for tensor in found.tensors:
        if tensor.constant and len(tensor.shape) > 1 and tensor.dtype in _WEIGHTS:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + math.prod(tensor.shape)
    main = max(counts, key=lambda dtype: counts[dtype], default="float32")
    if main != "float32":
        raise ModelError(
            f"most weights of {name} are {main}, and every route starts from float32: export the model in float32 "
            f"(runs make the lower precisions), or judge the file as it is: edge-export validate {name}"
        )


def _odd(found: Inspection) -> list[str]:
    """Constants that hold NaN or Inf; a mask may, and the outputs be sound."""
    return [tensor.name for tensor in found.tensors if tensor.constant and not tensor.finite]


def _state(path: Path) -> str:
    """What tells one model's file from another: its bytes, and sizes and times of others whose weights it may name."""
    own = content.sha256(path)
    if path.is_dir():
        return own
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(_EXTERNAL) < 0:
            return own
    return digest([own, beside.state(path, frozenset((".log",)), hidden=True)])
