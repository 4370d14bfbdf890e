"""A model under suspicion that cannot be read, fed or run where the reference can: that is a verdict, no error."""

from __future__ import annotations

from pathlib import Path

from converters.contract import Artifact
from converters.errors import EdgeExportError, ModelError, ToolkitError
from converters.sniff import sniff
from converters.worker import WorkerPool
from pipeline.bundle.write import MANIFEST
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.outcome import Outcome
from pipeline.config import Limits
from pipeline.drift.sizes import TRIED, sized
from pipeline.golden_inputs import synthesise
from pipeline.lone import SEED, cpu_runtimes

NOTHING: dict[str, float | int | None] = {
    "ops": 0,
    "ops_aligned": None,
    "weights_compared": None,
    "ops_isolated": 0,
}


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
            the format's runtimes runs it.
    """
    if isinstance(error, ModelError):
        return _failed("file", str(error), "it cannot be fed and read as the reference is")
    if not isinstance(error, ToolkitError) or _refusal(a, a, pool, limits) is not None:
        raise error
    refusal = _refusal(a, b, pool, limits)
    if refusal is None:
        raise error
    return _failed("runtime", str(refusal), "no runtime of its format runs it; the reference runs")


def _refusal(a: Artifact, file: Artifact, pool: WorkerPool, limits: Limits) -> EdgeExportError | None:
    """Why no runtime of this CPU runs a file on inputs of a; None where one does."""
    from pipeline.compare import run  # which compares layers too

    fed = sized(a, file, pool, limits)
    inputs = synthesise(fed.source.inputs, TRIED, SEED)
    refusal: EdgeExportError | None = None
    for runtime in cpu_runtimes(file.format):
        try:
            run(fed if file is a else file, inputs, fed.source, runtime, pool, limits)
            return None
        except EdgeExportError as error:
            refusal = refusal or error
    return refusal


def _failed(kind: str, measure: str, cause: str) -> Drift:
    suspect = Suspect(kind, Side(None, ""), Side(None, "FILE"), measure, cause, -1.0)
    return Drift("", "", Outcome.FAILED, (suspect,), NOTHING)
