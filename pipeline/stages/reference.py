"""Stage `reference`: the framework's own eager fp32 outputs, on the golden pack and on the whole test split."""

from __future__ import annotations

import json

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact, Format, Signature
from pipeline import evidence, golden
from pipeline.config import Limits
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.samples import to_samples
from pipeline.entries import read_artifact
from pipeline.golden_inputs import golden_count, image_limits, select, synthesise
from pipeline.store import Entry, digest
from pipeline.task import Context, Task, code

BUDGET_BYTES = 2_000_000
"""Of the golden inputs: a phone keeps them beside the model."""


def reference_task(source: Task, data: Task | None, limits: Limits, *, golden_samples: int, seed: int = 0) -> Task:
    """Chooses the golden inputs and runs the source model eagerly on them and on the test split.

    Without data the golden inputs are synthesised within the plausible range of each input, and there is no test.
    """

    def work(context: Context) -> None:
        artifact = read_artifact(context.needs["source"])
        inputs, label, index = _golden_inputs(artifact.signature, context.needs.get("data"), golden_samples, seed)
        outputs = _eager(context, artifact, inputs, limits)
        pack = golden.GoldenPack(inputs, outputs, label, index, artifact.signature, artifact.model, artifact.framework)
        golden.write(context.folder / evidence.GOLDEN, pack)
        if "data" in context.needs:
            test = Dataset.open(context.needs["data"].folder).test
            inputs = to_samples(test.inputs, artifact.signature.inputs)
            outputs = _eager(context, artifact, inputs, limits)
            labels = {} if test.targets is None else {"label": np.asarray(test.targets, np.int64)}
            arrays = {**_prefixed(evidence.INPUT, inputs), **_prefixed(evidence.OUTPUT, outputs), **labels}
            evidence.save(context.folder / evidence.TEST, arrays)
        count = context.call(source.lane, "converters.eager.inspect:parameters", limits.inspect_s, artifact=artifact)
        (context.folder / evidence.FACTS).write_text(json.dumps({"parameters": count}))

    needs = {"source": source, **({"data": data} if data else {})}
    ingredients = {
        "golden samples": digest([golden_samples, seed]),
        "code of the reference": code("pipeline/golden*.py", "converters/eager", "converters/*.py"),
    }
    name = f"reference {source.name.partition(' ')[2]}"
    return Task(name, "reference", ingredients, work, needs, lane=source.lane)


def _golden_inputs(
    signature: Signature, data: Entry | None, most: int, seed: int
) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """(inputs, labels, indices into the test split) of the golden pack; -1 marks what no data set holds."""
    specs = signature.inputs
    if data is None:
        count = min(most, golden_count(synthesise(specs, 1, seed), {}, BUDGET_BYTES))
        none = np.full(count, golden.NO_LABEL, np.int64)
        return synthesise(specs, count, seed), none, none
    test = Dataset.open(data.folder).test
    samples = to_samples(test.inputs, specs)
    chosen = select(samples, test.targets, min(most, golden_count(samples, {}, BUDGET_BYTES)), seed)
    inputs = {name: values[chosen] for name, values in samples.items()}
    label = np.full(len(chosen), golden.NO_LABEL) if test.targets is None else np.asarray(test.targets)[chosen]
    if len(specs) == 1 and specs[0].meaning == "image":
        limits = image_limits(specs[0])
        inputs = {name: np.concatenate([values, limits]) for name, values in inputs.items()}
        made_up = np.full(len(limits), golden.NO_LABEL)
        label, chosen = np.concatenate([label, made_up]), np.concatenate([chosen, made_up])
    return inputs, label.astype(np.int64), chosen.astype(np.int64)


def _eager(context: Context, artifact: Artifact, inputs: Arrays, limits: Limits) -> Arrays:
    """The source model's outputs, stacked; run in the framework's own worker."""
    samples = context.folder / "inputs.safetensors"
    evidence.save(samples, _prefixed(evidence.INPUT, inputs))
    runtime = eager_runtime(artifact.format)
    outputs = context.call(
        runtime.worker,
        "converters.job:run_samples",
        limits.reference_s,
        runtime=runtime.name,
        artifact=artifact,
        samples=samples,
        prefix=evidence.INPUT,
    )
    samples.unlink()
    return outputs


def eager_runtime(format: Format) -> registry.RuntimeSpec:
    """The framework's own eager mode for source models of a format."""
    return next(spec for spec in registry.runtimes_for(format) if spec.reference)


def _prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {prefix + name: value for name, value in arrays.items()}
