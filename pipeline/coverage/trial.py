"""One case by one route: converted, run and judged by the check that judges every model."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact, ConversionRequest, Precision
from converters.errors import EdgeExportError, ToolkitCrash, ToolkitTimeout
from converters.nearness import near
from converters.worker import WorkerPool
from pipeline.checks.gates import Gates
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity
from pipeline.coverage.cases import Case
from pipeline.coverage.ways import Way

LIMIT_S = 120.0
INPUT, OUTPUT, EXPECTED = "input/", "output/", "expected/"


class Result(StrEnum):
    """What became of a case."""

    RIGHT = "right"
    REFUSED = "refused"
    WRONG = "wrong"
    CRASHED = "crashed"
    FAILED_AT_RUN = "failed at run"


@dataclass(frozen=True)
class Trial:
    """The outcome of one case by one route.

    `passed` is the verdict of the product's own check, which a wrong case must not have; `reason` is why it is not
    right.
    """

    case: str
    op: str
    result: Result
    passed: bool
    reason: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict."""
        return {**dataclasses.asdict(self), "result": self.result.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """What `to_json` wrote."""
        return cls(**{**data, "result": Result(data["result"]), "notes": tuple(data["notes"])})


def attempt(case: Case, way: Way, pool: WorkerPool, gates: Gates) -> Trial:
    """What becomes of a case; whatever a toolkit does, it is told and not raised."""
    start = time.monotonic()

    def trial(result: Result, reason: str = "", passed: bool = False, notes: tuple[str, ...] = ()) -> Trial:
        return Trial(case.name, case.op, result, passed, reason, notes, round(time.monotonic() - start, 3))

    if case.artifact is None:
        return trial(Result.REFUSED, "its outputs are no tensors")
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        try:
            made = _converted(case, case.artifact, way, pool, Path(folder))
        except (ToolkitCrash, ToolkitTimeout) as error:
            return trial(Result.CRASHED, str(error))
        except EdgeExportError as error:
            return trial(Result.REFUSED, str(error))
        try:
            got: Arrays = pool.call(
                *(way.runtime.worker, "converters.job:run_samples", LIMIT_S),
                runtime=way.runtime.name,
                artifact=made,
                samples=case.data,
                prefix=INPUT,
            )
        except (ToolkitCrash, ToolkitTimeout) as error:
            return trial(Result.CRASHED, str(error))
        except EdgeExportError as error:
            return trial(Result.FAILED_AT_RUN, str(error))
    reason, passed = judged(case, case.artifact, got, gates)
    return trial(Result.WRONG if reason else Result.RIGHT, reason, passed, made.notes)


def judged(case: Case, artifact: Artifact, got: Arrays, gates: Gates) -> tuple[str, bool]:
    """(what is wrong with outputs, empty where they are right; whether the product's parity check passes them).

    Right is what the corpus expects of its own input, and the source's own runtime of the others, each output by name.
    The two questions are asked apart, so that a check which passes a wrong case shows.
    """
    with np.load(case.data, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    reference = {spec.name: arrays[OUTPUT + spec.name] for spec in artifact.source.outputs}
    check = check_parity(reference, got, artifact.source.outputs, gates.parity[Precision.FP32])
    return _wrong(artifact, reference, arrays, got), check.outcome is Outcome.PASSED


def _wrong(artifact: Artifact, reference: Arrays, arrays: Arrays, got: Arrays) -> str:
    for spec in artifact.source.outputs:
        if spec.name not in got:
            return f"output {spec.name!r} is missing"
        want, have = reference[spec.name], got[spec.name]
        expected = arrays.get(EXPECTED + spec.name)
        pairs = [(want[place], have[place]) for place in range(min(len(want), len(have)))]
        if len(want) != len(have) or not pairs:
            return f"output {spec.name!r} has {len(have)} samples of {len(want)}"
        if expected is not None:
            pairs.insert(0, (expected[0], have[0]))
        for place, (a, b) in enumerate(pairs):
            if not near(a, b):
                return f"output {spec.name!r}: {_difference(a, b)} (comparison {place})"
    return ""


def _difference(want: np.ndarray, have: np.ndarray) -> str:
    if want.shape != have.shape or want.dtype != have.dtype:
        return f"{have.dtype} {have.shape}, not {want.dtype} {want.shape}"
    if want.dtype.kind not in "fc":
        return f"{int((want != have).sum())} of {want.size} values are others"
    return f"off by up to {float(np.nanmax(np.abs(want.astype(np.float64) - have), initial=0.0)):.3g}"


def _converted(case: Case, artifact: Artifact, way: Way, pool: WorkerPool, folder: Path) -> Artifact:
    """The artifact at the end of the route; the case's own where it has no step."""
    for place, edge in enumerate(way.edges):
        if edge.prepass and way.prepass:
            artifact = pool.call(
                *("onnx", "converters.prepass_job:prepared", LIMIT_S),
                edge_name=edge.name,
                source=artifact,
                made_at=folder / f"prepared{place}{edge.source.suffix}",
                samples=case.data if artifact.format is case_format(case) else None,
                prefix=INPUT,
            )
        notes = artifact.notes
        request = ConversionRequest(artifact, folder / f"made{place}{edge.target.suffix}", Precision.FP32)
        artifact = pool.call(edge.worker, "converters.job:convert", LIMIT_S, edge_name=edge.name, request=request)
        artifact = dataclasses.replace(artifact, notes=notes)
    return artifact


def case_format(case: Case) -> object:
    """The format that a case starts from."""
    return case.artifact.format if case.artifact else None
