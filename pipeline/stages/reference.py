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
from pipeline.golden_inputs import LEAST, NO_LABEL, Chosen, choose, choose_synthetic
from pipeline.store import Entry, digest
from pipeline.task import Context, Task, code


def reference_task(source: Task, data: Task | None, limits: Limits, *, golden_samples: int, seed: int = 0) -> Task:
    """Chooses the golden inputs and runs the source model eagerly on them and on the test split.

    Without data the golden inputs are synthesised within the plausible range of each input, and there is no test.
    """

    def work(context: Context) -> None:
        artifact = read_artifact(context.needs["source"])
        chosen = _golden_inputs(artifact.signature, context.needs.get("data"), golden_samples, seed)
        outputs = _eager(context, artifact, chosen.inputs, limits)
        golden.write(context.folder / evidence.GOLDEN, chosen, outputs, artifact)
        if "data" in context.needs:
            test = Dataset.open(context.needs["data"].folder).test
            inputs = to_samples(test.inputs, artifact.signature.inputs)
            outputs = _eager(context, artifact, inputs, limits)
            labels = {} if test.targets is None else {"label": np.asarray(test.targets, np.int64)}
            arrays = {**_prefixed(evidence.INPUT, inputs), **_prefixed(evidence.OUTPUT, outputs), **labels}
            evidence.save(context.folder / evidence.TEST, arrays)
        count = context.call(source.lane, "converters.source:parameter_count", limits.inspect_s, artifact=artifact)
        (context.folder / evidence.FACTS).write_text(json.dumps({"parameters": count}))

    needs = {"source": source, **({"data": data} if data else {})}
    ingredients = {
        "golden samples": digest([golden_samples, seed]),
        "code of the reference": code(
            "pipeline/stages/reference.py",
            "pipeline/golden*.py",
            "pipeline/datasets/samples.py",
            "converters/eager",
            "converters/*.py",
        ),
    }
    name = f"reference {source.name.partition(' ')[2]}"
    return Task(name, "reference", ingredients, work, needs, lane=source.lane)


def _golden_inputs(signature: Signature, data: Entry | None, most: int, seed: int) -> Chosen:
    if data is None:
        return choose_synthetic(signature, most, seed)
    dataset = Dataset.open(data.folder)
    inputs, targets = to_samples(dataset.test.inputs, signature.inputs), dataset.test.targets
    if dataset.train is not None and len(dataset.test) < LEAST:  # whether two programs agree, any image tells
        more = to_samples(dataset.train.inputs, signature.inputs)
        inputs = {name: np.concatenate([values, more[name]]) for name, values in inputs.items()}
        labels = [np.full(len(s), NO_LABEL) if s.targets is None else s.targets for s in (dataset.test, dataset.train)]
        targets = None if targets is None else np.concatenate(labels)
    return choose(inputs, targets, signature, most, seed)


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
