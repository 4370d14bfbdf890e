"""A model under suspicion that cannot be read, fed or run where the reference can: that is a verdict, no error."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact, Format, TensorSpec
from converters.errors import EdgeExportError, ModelError, ToolkitError, UnsupportedError
from converters.sniff import sniff
from converters.worker import WorkerPool
from pipeline.asking import run
from pipeline.bundle.write import MANIFEST
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.metrics.snr_db import decibel
from pipeline.checks.outcome import Outcome
from pipeline.config import Limits
from pipeline.drift.sizes import sized
from pipeline.golden_inputs import synthesise
from pipeline.lone import SEED, cpu_runtimes, open_artifact

SAMPLES = 8
FAR_DB = 6.0
"""Signal to error of an output: honest files of 8 bits show 15 dB and more on inputs as they were calibrated for."""
NOTHING: dict[str, float | int | None] = {
    "ops": 0,
    "ops_aligned": None,
    "weights_compared": None,
    "ops_isolated": 0,
}


_NODE = re.compile(r"Node number (\d+) \((\w+)\) failed to (?:prepare|invoke)")
"""What LiteRT says of an operator that its kernels refuse."""


def opened(
    path: Path | str, pool: WorkerPool, limits: Limits, sizes: tuple[TensorSpec, ...] = (), beside: Path | str = ""
) -> tuple[Artifact, Path | None, str]:
    """(artifact, golden pack, complaint): as `open_artifact`; a file that declares wrong sizes is opened all the same.

    What made them wrong is an operator, which its layers tell.
    """
    try:
        return *open_artifact(path, pool, limits, sizes, beside), ""
    except ModelError as error:
        return *open_artifact(path, pool, limits, sizes, beside, declared=False), str(error)


def complained(found: Drift, complaint: str) -> Drift:
    """The verdict with the complaint about a file behind what its layers said."""
    if not complaint:
        return found
    suspect = Suspect(
        "file", Side(None, ""), Side(None, "FILE"), complaint, "the file contradicts itself", float("inf")
    )
    return dataclasses.replace(found, outcome=Outcome.FAILED, suspects=(*found.suspects, suspect))


def unreadable(given: Path | str, error: ModelError) -> Drift:
    """The verdict on a file of a known format whose content is damaged or against the format's rules.

    Raises:
        ModelError: `error`, where it is no model file at all, or one of a bundle.
    """
    path = Path(given)
    if (path.parent / MANIFEST).is_file():
        raise error
    sniff(path)
    return _failed("file", str(error), "the file cannot be read")


def unrunnable(a: Artifact, b: Artifact, error: EdgeExportError, pool: WorkerPool, limits: Limits) -> Drift:
    """The verdict on a model whose layers could not be looked at.

    Raises:
        EdgeExportError: `error`, where that is no fault of the model: the reference does not run either, or another of
            the format's runtimes runs it, to outputs that are not far away, and no operator is refused.
    """
    if isinstance(error, ModelError):
        return _failed("file", str(error), "it cannot be fed and read as the reference is")
    want = _outputs(a, a, pool, limits) if isinstance(error, ToolkitError) else error
    if isinstance(want, EdgeExportError):
        raise error
    if (node := _NODE.search(str(error))) is not None:
        side = Side(int(node[1]), node[2])
        cause = f"the format's own kernels refuse {node[2]} as it is set here"
        suspect = Suspect("attribute", Side(None, ""), side, str(error), cause, -1.0)
        return Drift("", "", Outcome.FAILED, (suspect,), NOTHING)
    got = _outputs(a, b, pool, limits)
    if isinstance(got, EdgeExportError):
        return _failed("runtime", str(got), "no runtime of its format runs it; the reference runs")
    for name in want.keys() & got.keys():
        if want[name].shape != got[name].shape or _apart(want[name], got[name]):
            return _failed("outputs", str(error), f"output {name!r} is another, and no layer can be looked at")
    raise error


def stands(found: Drift, a: Artifact, b: Artifact, pool: WorkerPool, limits: Limits) -> Drift:
    """The verdict, but FAILED where graphs alone passed a file that no runtime here opens and runs, as of the future.

    What a runtime says that it cannot do is no fault where the reference asks something else of it, in another
    precision, nor where the runtime is our interpreter.
    """
    if found.outcome is not Outcome.PASSED or b.builder or a.format is not b.format:
        return found
    got = _outputs(a, b, pool, limits)
    alike = a.precision is b.precision and a.format is not Format.COREML
    refused = isinstance(got, ToolkitError | ModelError) and (alike or not isinstance(got, UnsupportedError))
    if not refused or isinstance(_outputs(a, a, pool, limits), EdgeExportError):
        return found
    failed = _failed("runtime", str(got), "no runtime of its format runs it; the reference runs")
    return dataclasses.replace(found, outcome=failed.outcome, suspects=failed.suspects)


def _apart(want: np.ndarray, got: np.ndarray) -> bool:
    """Whether an output is no rounding of the reference's."""
    first, second = want.astype(np.float64), got.astype(np.float64)
    signal = np.square(first - first.mean()).sum() or np.square(first).sum()
    return not bool(decibel(signal, np.square(second - first).sum()) >= FAR_DB)


def _outputs(a: Artifact, file: Artifact, pool: WorkerPool, limits: Limits) -> Arrays | EdgeExportError:
    """The outputs of a file on inputs of a, by the first runtime of this CPU that runs it, or why none does."""
    fed = sized(a, file, pool, limits)
    inputs = synthesise(fed.source.inputs, SAMPLES, SEED)
    refusal: EdgeExportError | None = None
    for runtime in cpu_runtimes(file.format):
        try:
            return run(fed if file is a else file, inputs, fed.source, runtime, pool, limits)
        except EdgeExportError as error:
            refusal = refusal or error
    return refusal or UnsupportedError(f"nothing here runs {file.format} files")


def _failed(kind: str, measure: str, cause: str) -> Drift:
    suspect = Suspect(kind, Side(None, ""), Side(None, "FILE"), measure, cause, -1.0)
    return Drift("", "", Outcome.FAILED, (suspect,), NOTHING)
