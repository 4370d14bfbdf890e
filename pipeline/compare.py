"""Two artifacts of any two formats on the same inputs: the second judged against the first."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from converters.contract import Arrays, Artifact, Precision, RuntimeSpec, TensorSpec
from converters.errors import ContractError, EdgeExportError, ModelError, ToolkitError
from converters.inspection import Inspection
from converters.sniff import sniff
from converters.worker import WorkerPool
from pipeline.asking import run
from pipeline.binding import speaking
from pipeline.bound import bound
from pipeline.captured import is_builder
from pipeline.checks.conditioning import noise, nudged
from pipeline.checks.drift.check import check_drift
from pipeline.checks.drift.suspects import Drift
from pipeline.checks.gates import Gates, ParityGate
from pipeline.checks.made_up import left_to_layers
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity, parity_beside, spared
from pipeline.checks.precision import check_precision
from pipeline.config import Limits
from pipeline.drift import tried
from pipeline.drift.ordering import ordered
from pipeline.drift.refused import unreadable
from pipeline.lone import default_runtime, inputs_for, inspect_file, met, open_artifact
from pipeline.pair_inputs import made_up

NOT_RUN = "not run"
"""In the place of a runtime."""


@dataclass(frozen=True)
class Comparison:
    """What came of comparing `b` with `a`, which counts as right."""

    a: Artifact
    b: Artifact
    runtime_a: str
    runtime_b: str
    samples: int
    inputs: str
    checks: tuple[Check, ...]
    stateful: bool = False  # the samples were one sequence from a fresh state, on both sides
    drift: Drift | None = None  # layer by layer, where both sides can be looked into


def compare(
    path_a: Path | str,
    path_b: Path | str,
    inputs: str,
    gates: Gates,
    pool: WorkerPool,
    limits: Limits,
    runtimes: tuple[str, str] = ("", ""),
    sizes: tuple[TensorSpec, ...] = (),
    *,
    inside: bool = True,
    own_gates: bool = False,
) -> Comparison:
    """Runs both models and judges `b` by the parity gate of the less precise of the two, and `inside` by its layers.

    Either may be a file or a builder, `file.py:function`; `sizes` as the `inputs` of `open_artifact`. `inputs` is as of
    `inputs_for`; empty: the golden pack where one of the files lies in a bundle, else made-up ones. Of those the layers
    decide what they cannot tell, unless the gates are the user's own (`own_gates`).

    A second file that is damaged, or that cannot be fed and read as the first is, is FAILED, as `drift` says it too.

    Raises:
        ModelError: no model file, or a first one that cannot be read.
        UsageError: no inputs, or a runtime that does not run the file.
    """
    a, pack_a = open_artifact(path_a, pool, limits, sizes, beside=path_b)
    try:
        b, pack_b = open_artifact(path_b, pool, limits, sizes, beside=path_a)
    except ModelError as error:
        return _refused(a, path_b, error)
    a, b = met(*bound(a, b, pool, limits), pool, limits)
    try:
        speaking(b, a.source)  # before anything runs
    except ModelError as error:
        return _refused(a, path_b, error)
    runtime_a, runtime_b = default_runtime(a, runtimes[0]), default_runtime(b, runtimes[1])
    inputs = inputs or ("golden" if pack_a or pack_b else "random")
    coarser = max((a.precision, b.precision), key=list(gates.parity).index)
    if inputs == "random":
        a, arrays = made_up(a, b, gates.parity[coarser], pool, limits)
    else:
        arrays = inputs_for(a, inputs, [pack_a, pack_b])
    b = ordered(a, b, arrays, pool, limits)
    reference = run(a, arrays, a.source, runtime_a, pool, limits)
    got, parity = _parity(a, b, arrays, reference, (runtime_a, runtime_b), gates.parity[coarser], pool, limits)
    inspection = None if b.builder else inspect_file(b.path, pool, limits)  # code does not say what it is made of
    layers = _told(tried(a, b, arrays, pool, limits), path_a, path_b) if inside else None
    agree = isinstance(layers, Drift) and layers.outcome is Outcome.PASSED
    if inputs == "random" and agree and got is not None and not own_gates:
        parity = left_to_layers(parity, reference, got, a.source.outputs, gates.parity[coarser], coarser)
    checks = (
        *([_precision(b, inspection, gates)] if inspection else []),
        parity,
        *([check_drift(layers)] if layers is not None else []),
    )
    return Comparison(
        *(a, b, runtime_a.name, runtime_b.name, len(next(iter(arrays.values()))), inputs, checks),
        stateful=inspection is not None and inspection.stateful,
        drift=layers if isinstance(layers, Drift) else None,
    )


def _told(layers: Drift | EdgeExportError, a: Path | str, b: Path | str) -> Drift | EdgeExportError:
    """Of the user's files, not of copies in which an input is a constant."""
    return dataclasses.replace(layers, a=str(a), b=str(b)) if isinstance(layers, Drift) else layers


def _parity(
    a: Artifact,
    b: Artifact,
    arrays: Arrays,
    reference: Arrays,
    runtimes: tuple[RuntimeSpec, RuntimeSpec],
    gate: ParityGate,
    pool: WorkerPool,
    limits: Limits,
) -> tuple[Arrays | None, Check]:
    """(the outputs of `b`, their parity with the reference's); no outputs where it does not run on inputs that a takes.

    Two float models are held to what rounding its inputs does to the reference, where that is more.
    """
    try:
        got = run(b, arrays, a.source, runtimes[1], pool, limits)
        parity = check_parity(reference, got, a.source.outputs, gate)
        if parity.outcome is Outcome.FAILED and {a.precision, b.precision} == {Precision.FP32}:
            moved = run(a, nudged(arrays), a.source, runtimes[0], pool, limits)
            known, pair = noise(reference, moved, a.source.outputs), (reference, got, a.source.outputs, gate)
            parity = spared(parity_beside(*pair, known), *pair, known)
        return got, parity
    except (ContractError, ModelError, ToolkitError) as error:  # it may give another shape than it declares
        return None, Check("parity", Outcome.FAILED, (f"{b.path.name} does not run where {a.path.name} does: {error}",))


def _refused(a: Artifact, path_b: Path | str, error: ModelError) -> Comparison:
    """The verdict on a second file that nothing can be asked of.

    Raises:
        ModelError: `error`, where it is code, no model file at all, or one of a bundle.
    """
    if is_builder(path_b):
        raise error
    found = dataclasses.replace(unreadable(path_b, error), a=str(a.path), b=str(path_b))
    b = dataclasses.replace(a, path=Path(path_b), format=sniff(Path(path_b)), builder="", builder_args={})
    return Comparison(a, b, NOT_RUN, NOT_RUN, 0, "", (Check("file", Outcome.FAILED, (str(error),)),), drift=found)


def _precision(artifact: Artifact, inspection: Inspection, gates: Gates) -> Check:
    check = check_precision(inspection, artifact.precision, gates.precision[artifact.precision], kept=artifact.kept)
    return dataclasses.replace(check, required=bool(artifact.producer))  # without a manifest the claim is our guess
