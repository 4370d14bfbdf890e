"""Stage `validate`: what an artifact gives in a runtime, and how long it takes. Judged elsewhere."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from converters.contract import Arrays, InspectorSpec, RuntimeSpec
from converters.inspection import Inspection
from converters.timing import Pairing
from pipeline import config, evidence
from pipeline.checks.gates import LatencyGate
from pipeline.checks.sequential import time_in_worker
from pipeline.config import Limits
from pipeline.entries import read_artifact
from pipeline.store import digest
from pipeline.task import Context, Task, code, versions

MEASURED_S = 10.0


def inspect_task(artifact: Task, spec: InspectorSpec, limits: Limits) -> Task:
    """Reads an artifact tensor by tensor, without running it."""

    def work(context: Context) -> None:
        made = read_artifact(context.needs["artifact"])
        inspection: Inspection = context.call(
            spec.worker, "converters.job:inspect", limits.inspect_s, path=made.path, format=made.format
        )
        (context.folder / evidence.FACTS).write_text(json.dumps(dataclasses.asdict(inspection)))

    ingredients = {"code of the inspector": code(_folder(spec.module)), "packages": versions(spec.packages)}
    name = f"inspect {artifact.name.partition(' ')[2]}"
    return Task(name, "validate", ingredients, work, {"artifact": artifact}, lane=spec.worker)


def measure_task(artifact: Task, reference: Task, runtime: RuntimeSpec, limits: Limits, *, has_test: bool) -> Task:
    """Runs an artifact on the golden pack and on the whole test split, and asks where its operators ran.

    One of a model whose state goes back in runs the reference's sequences too.

    A runtime that takes longer than `MEASURED_S` for the pack is given part of it; the verdict says so.
    """

    def work(context: Context) -> None:
        made = read_artifact(context.needs["artifact"])
        pack = context.needs["reference"]

        def outputs(name: str, function: str = "job:run_samples", **more: Any) -> Arrays:
            return context.call(
                runtime.worker,
                f"converters.{function}",
                limits.measure_s,
                runtime=runtime.name,
                artifact=made,
                samples=pack.file(name),
                prefix=evidence.INPUT,
                **more,
            )

        evidence.save(context.folder / evidence.GOLDEN_OUTPUTS, outputs(evidence.GOLDEN, budget_s=MEASURED_S))
        if carried := evidence.read_carried(pack):
            budget = {"carried": carried, "budget_s": MEASURED_S}
            fed = outputs(evidence.SEQUENCE, "carry_job:run_sequences", **budget)
            evidence.save(context.folder / evidence.SEQUENCE, fed)
        if has_test:
            evidence.save(context.folder / evidence.TEST, outputs(evidence.TEST))
        placed = context.call(
            runtime.worker, "converters.job:placement", limits.inspect_s, runtime=runtime.name, artifact=made
        )
        (context.folder / evidence.FACTS).write_text(json.dumps({"placement": placed}))

    name = f"measure {artifact.name.partition(' ')[2]}@{runtime.name}"
    needs = {"artifact": artifact, "reference": reference}
    return Task(name, "validate", _runtime_ingredients(runtime), work, needs, lane=runtime.worker)


def latency_task(
    artifact: Task,
    baseline: Task,
    reference: Task,
    runtime: RuntimeSpec,
    limits: Limits,
    *,
    against: RuntimeSpec | None = None,
    name: str = "",
    racing: bool = False,
    seed: int = 0,
) -> Task:
    """Times an artifact against its baseline in interleaved rounds, until they decide, alone on the machine.

    The gate that comes with the project says when they have, whatever gate judges: a changed gate times nothing anew.
    The baseline of an fp32 artifact is itself. `against` is the baseline's runtime, of the same worker, where it is
    another one. `name` is the task's, where one artifact is timed against several. `racing` are routes to
    one file.
    """
    beside, gate = against or runtime, LatencyGate(**config.load().gates["latency"])
    gate = gate.racing if racing else gate

    def work(context: Context) -> None:
        pairing = Pairing(
            runtime.name,
            read_artifact(context.needs["artifact"]),
            beside.name,
            read_artifact(context.needs["baseline"]),
            context.needs["reference"].file(evidence.GOLDEN),
        )

        def call(target: str, **arguments: Any) -> Any:
            return context.call(runtime.worker, target, limits.latency_s, **arguments)

        timings = time_in_worker(call, pairing, gate, limits.latency_budget_s, seed)
        (context.folder / evidence.TIMINGS).write_text(json.dumps(timings.to_json()))

    name = name or f"time {artifact.name.partition(' ')[2]}@{runtime.name}"
    ingredients = {**_runtime_ingredients(runtime)}
    ingredients["latency budget"] = digest([limits.latency_budget_s, seed, dataclasses.asdict(gate)])
    ingredients |= {"runtime of the baseline": against.name} if against else {}
    needs = {"artifact": artifact, "baseline": baseline, "reference": reference}
    return Task(name, "validate", ingredients, work, needs, lane=runtime.worker, exclusive=True)


def _runtime_ingredients(runtime: RuntimeSpec) -> dict[str, str]:
    return {
        "runtime": runtime.name,
        "code of the runtime": code(_folder(runtime.module), "converters/*.py"),
        "packages": versions(runtime.packages),
        **({"device": f"{runtime.device.name} {runtime.device.version}"} if runtime.device else {}),
    }


def _folder(module: str) -> str:
    return module.rpartition(".")[0].replace(".", "/")
