"""The reference run: on samples, on samples that are rounded, and in sequences in which its own state goes back in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from converters import registry
from converters.carry import STEPS, Carried, Ranges, in_8_bits, pairs, states
from converters.contract import Arrays, Artifact, RuntimeSpec, Signature
from converters.errors import EdgeExportError, ToolkitError, UnsupportedError
from pipeline import evidence
from pipeline.checks.conditioning import NUDGE, floats, noise, worst
from pipeline.config import Limits
from pipeline.entries import read_facts
from pipeline.golden_choice import rows_of
from pipeline.golden_inputs import AT_LIMITS, Chosen, choose_synthetic
from pipeline.task import Context

VISITED, VISITED_BYTES = 256, 64 << 20
"""Calls that tell which values the state of a model takes."""


def eager(
    context: Context,
    artifact: Artifact,
    inputs: Arrays,
    limits: Limits,
    runtime: RuntimeSpec | None = None,
    function: str = "job:run_samples",
    **more: Any,
) -> Arrays:
    """The source model's outputs, stacked; run in the framework's own worker, or by another runtime."""
    samples = context.folder / "inputs.safetensors"
    evidence.save(samples, prefixed(evidence.INPUT, inputs))
    runtime = runtime or registry.reference_runtime(artifact.format)
    try:
        outputs: Arrays = context.call(
            runtime.worker,
            f"converters.{function}",
            limits.reference_s,
            runtime=runtime.name,
            artifact=artifact,
            samples=samples,
            prefix=evidence.INPUT,
            **more,
        )
    finally:
        samples.unlink()
    return outputs


def fed(
    context: Context,
    artifact: Artifact,
    inputs: Arrays,
    carried: Carried,
    limits: Limits,
    runtime: RuntimeSpec | None = None,
    **how: Any,
) -> Arrays:
    """The source model's outputs in sequences in which its state goes back in; `how` as of `carry.run_carried`."""
    run = "carry_job:run_sequences"
    return eager(context, artifact, inputs, limits, runtime, function=run, carried=dict(carried), **how)


def carried_of(
    context: Context, artifact: Artifact, state: Carried, limits: Limits, seed: int
) -> tuple[Carried, Artifact, str]:
    """Which outputs go back in, if that runs; the model with the range that its state then takes; why nothing does.

    `state` is what the user said, else names tell. A model that keeps its state itself takes none.
    """
    kept = bool(read_facts(context.needs["source"]).get("stateful"))
    found = {} if kept else pairs(artifact.source, state)
    if not found:
        return found, artifact, ""
    try:
        return found, visited(context, artifact, found, limits, seed), ""
    except (UnsupportedError, ToolkitError) as error:
        return (
            {},
            artifact,
            f"the state is not fed back ({', '.join(f'{o} -> {i}' for o, i in found.items())}): {error}",
        )


def with_visited(context: Context, artifact: Artifact, inputs: Arrays, carried: Carried, limits: Limits) -> Arrays:
    """Made-up inputs with the states that the model comes to on them in the place of every second one."""
    ran = states(inputs, fed(context, artifact, inputs, carried, limits), carried)
    for name, came in ran.items():
        came[1::2] = inputs[name][1::2]
    return {**inputs, **ran}


def visited(context: Context, artifact: Artifact, carried: Carried, limits: Limits, seed: int) -> Artifact:
    """The model with the values that its state takes, when made-up inputs are fed to it, as the limits of its state."""
    made = choose_synthetic(artifact.signature, VISITED, seed, VISITED_BYTES).inputs
    found = fed(context, artifact, made, carried, limits)
    ends = {name: (float(found[output].min()), float(found[output].max())) for output, name in carried.items()}
    inputs = tuple(
        replace(spec, limits=ends[spec.name]) if spec.name in ends and np.isfinite(ends[spec.name]).all() else spec
        for spec in artifact.source.inputs
    )
    told = Signature(inputs, artifact.source.outputs)
    return replace(artifact, source=told, signature=replace(artifact.signature, inputs=inputs))


def sequences(
    context: Context, artifact: Artifact, chosen: Chosen, carried: Carried, limits: Limits
) -> dict[str, dict[str, float]]:
    """Keeps sequences in which the state goes back in, inputs and outputs; what rounding does to them.

    Of the golden inputs away from the limits, where they are a sequence at least: there 8 bits saturate by design.
    """
    real = np.flatnonzero(chosen.index != AT_LIMITS)
    inputs = rows_of(chosen.inputs, real) if len(real) >= STEPS else chosen.inputs
    context.progress({"phase": f"feeding back {', '.join(f'{o} -> {i}' for o, i in carried.items())}"})
    right = fed(context, artifact, inputs, carried, limits)
    arrays = {**prefixed(evidence.INPUT, inputs), **prefixed(evidence.OUTPUT, right)}
    evidence.save(context.folder / evidence.SEQUENCE, arrays)
    ranges = _ranges({**inputs, **states(inputs, right, carried)})
    moved = [fed(context, artifact, inputs, carried, limits, shake=NUDGE)]
    if other := other_kernels(artifact):
        moved.append(fed(context, artifact, inputs, carried, limits, other))
    few = fed(context, artifact, inputs, carried, limits, ranges=ranges)
    rounding = worst([noise(right, outputs, floats(artifact.source.outputs)) for outputs in moved])
    return {"sequence_rounding": rounding, "sequence_rounded": noise(right, few, floats(artifact.source.outputs))}


def other_kernels(artifact: Artifact) -> RuntimeSpec | None:
    """A runtime of this CPU that runs the source model's file on kernels of its own, where its format has one."""
    right = registry.reference_runtime(artifact.format)
    others = [s for s in registry.runtimes_for(artifact.format) if s.name != right.name and not s.devices]
    return next((spec for spec in others if not registry.missing(spec.packages)), None)


def rounded(context: Context, artifact: Artifact, chosen: Chosen, outputs: Arrays, limits: Limits) -> dict[str, float]:
    """What 8 bits of the inputs do to the outputs, away from the limits (`conditioning.noise`)."""
    real = rows_of(chosen.inputs, np.flatnonzero(chosen.index != AT_LIMITS))
    right = rows_of(outputs, np.flatnonzero(chosen.index != AT_LIMITS))
    ranges = _ranges(real)
    if not ranges or len(next(iter(real.values()))) < 2:
        return {}
    few = {name: in_8_bits(values, ranges.get(name)) for name, values in real.items()}
    try:
        return noise(right, eager(context, artifact, few, limits), floats(artifact.source.outputs))
    except EdgeExportError:  # just these values are not taken
        return {}


def _ranges(inputs: Arrays) -> Ranges:
    return {n: (float(v.min()), float(v.max())) for n, v in inputs.items() if v.dtype.kind == "f" and v.size}


def prefixed(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays with a prefix to their names, as files of samples hold them."""
    return {prefix + name: value for name, value in arrays.items()}
