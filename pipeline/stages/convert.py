"""Stage `convert`: artifacts from source models or from earlier artifacts, quantizers calibrated on training data."""

from __future__ import annotations

import dataclasses
from itertools import islice
from types import MappingProxyType

import numpy as np

from converters import registry
from converters.carry import Carried
from converters.contract import Arrays, ConversionRequest, Edge, Precision, TensorSpec
from pipeline import golden
from pipeline.config import Limits, Recipe
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.samples import to_samples
from pipeline.entries import EDITED, read_artifact, write_artifact
from pipeline.evidence import GOLDEN
from pipeline.feeding import carried_of, with_visited
from pipeline.golden_inputs import count_samples, evenly
from pipeline.golden_patterns import of_every_kind
from pipeline.store import digest
from pipeline.task import Context, Task, code

CALIBRATION = "calibration.npz"
CHOSEN = "chosen.txt"
"""What the calibration samples are, in words."""


def calibration_task(
    source: Task,
    data: Task | None,
    samples: int,
    limits: Limits,
    seed: int = 1,
    state: Carried = MappingProxyType({}),
    reference: Task | None = None,
) -> Task:
    """Inputs to calibrate on: training images spread evenly over the classes, or synthesised ones without data.

    Of those, half come from the golden inputs of `reference`, which were looked for because the outputs tell more on
    them: a detector that found nothing in any calibration sample would be cut off at nothing.
    Of a model whose state goes back in, with states that it comes to: what lies beyond calibration is cut off.
    """

    def work(context: Context) -> None:
        artifact = read_artifact(context.needs["source"])
        specs = artifact.signature
        if "data" in context.needs:
            dataset = Dataset.open(context.needs["data"].folder)
            inputs = calibration_inputs(dataset, specs.inputs, samples, seed)
            split = "training" if dataset.train else "test"
            what = f"{split} samples of {dataset.name}, drawn evenly over the classes"
        else:
            carried, artifact, _ = carried_of(context, artifact, state, limits, seed)
            inputs = of_every_kind(artifact.signature.inputs, samples, seed)
            inputs = with_visited(context, artifact, inputs, carried, limits) if carried else inputs
            inputs = _with_telling(context, inputs) if "reference" in context.needs else inputs
            what = "made-up inputs: no data came with the model"
        (context.folder / CHOSEN).write_text(f"{len(next(iter(inputs.values())))} {what}", encoding="utf-8")
        np.savez(context.folder / CALIBRATION, allow_pickle=False, **inputs)

    name = source.name.partition(" ")[2]
    needs = {"source": source, **({"data": data} if data else {"reference": reference} if reference else {})}
    ingredients = {
        "recipe: calibration samples": digest([samples, seed, sorted(state.items())]),
        "code of the calibration": code(
            "pipeline/golden*.py",
            "pipeline/datasets/samples.py",
            "pipeline/feeding.py",
            "pipeline/stages/convert.py",
            "converters/carry*.py",
        ),
    }
    return Task(f"calibration {name} {samples}", "calibrate", ingredients, work, needs, lane=source.lane)


def _with_telling(context: Context, inputs: Arrays) -> Arrays:
    """The inputs with golden ones in the place of the last, half of them at most; none at the limits."""
    pack = golden.read(context.needs["reference"].file(GOLDEN))
    rows = np.flatnonzero(~pack.at_limits)[: count_samples(inputs, None) // 2]
    return {
        name: np.concatenate([pack.inputs[name][rows], values[: len(values) - len(rows)]])
        for name, values in inputs.items()
    }


def calibration_inputs(dataset: Dataset, specs: tuple[TensorSpec, ...], samples: int, seed: int = 1) -> Arrays:
    """Training samples, spread evenly over the classes, as calls of a model; of the test split where there is no other.

    Raises:
        DataError: they do not fit the model.
    """
    split = dataset.train or dataset.test
    total = len(next(iter(split.inputs.values())))
    order = evenly(split.targets, total, np.random.default_rng(seed))
    chosen = np.sort(np.fromiter(islice(order, samples), np.int64))
    drawn = {name: value[chosen] for name, value in split.inputs.items()}
    return to_samples(drawn, specs, dataset.preprocessing)


def convert_task(
    source: Task,
    edge: Edge,
    precision: Precision,
    recipe: Recipe,
    limits: Limits,
    *,
    identity: str,
    route: str,
    calibration: Task | None = None,
) -> Task:
    """One edge of a route; `identity` is the artifact's name, `<model>_<framework>_<route>_<precision>`."""
    options = dict(recipe.options.get(edge.name, {}))

    def work(context: Context) -> None:
        origin = read_artifact(context.needs["source"])
        between = context.folder / f"{identity}.prepared{edge.source.suffix}"
        if edge.prepass and options.get("prepass", True):
            origin = context.call(
                *("onnx", "converters.prepass_job:prepared", limits.convert_s),
                edge_name=edge.name,
                source=origin,
                made_at=between,
            )
        request = ConversionRequest(
            source=origin,
            target=context.folder / f"{identity}{edge.target.suffix}",
            precision=precision,
            calibration=context.needs["calibration"].file(CALIBRATION) if "calibration" in context.needs else None,
            options=options,
            edited=context.folder / f"{identity}{EDITED}{edge.target.suffix}",
        )
        artifact = context.call(
            edge.worker, "converters.job:convert", limits.convert_s, edge_name=edge.name, request=request
        )
        between.unlink(missing_ok=True)
        chosen = (
            context.needs["calibration"].file(CHOSEN).read_text(encoding="utf-8")
            if "calibration" in context.needs
            else ""
        )
        artifact = dataclasses.replace(artifact, route=route, notes=origin.notes, calibration=chosen)
        write_artifact(context.folder, artifact)

    ingredients = {
        "converter": f"{edge.name} to {precision}",
        "recipe": digest([options, precision]),
        "artifact name": digest([identity, route]),
        "code of the converter": code(*_sources(edge.module), "converters/tuning", "converters/*.py"),
        "packages": registry.made_with(edge),
        **({"code of the pre-pass": code("converters/onnx/prepass")} if edge.prepass else {}),
    }
    needs = {"source": source, **({"calibration": calibration} if calibration else {})}
    return Task(f"convert {identity}", "convert", ingredients, work, needs, lane=edge.worker)


def _sources(module: str) -> tuple[str, ...]:
    """The folder of one of our toolkits; other people's packages count by their version."""
    parts = module.split(".")
    return ("/".join(parts[:-1]),) if parts[0] == "converters" else ()
