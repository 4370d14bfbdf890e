"""What the golden inputs bring to light: activation faults planted in the trained reference model, seen at its outputs.

The same faults on inputs that are drawn, as many of them, beside: what choosing is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import reference_models
from benchmarks.figure import Figure
from benchmarks.workshop import Silent, Workshop
from converters import source
from converters.contract import Arrays, Artifact, Framework, Precision
from converters.eager.runtime import EagerSession
from converters.errors import ToolkitError
from converters.samples import load_samples
from pipeline import evidence, golden
from pipeline.checks.gates import ParityGate
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity
from pipeline.configs import load_configs
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.samples import to_samples
from pipeline.driver import Driver
from pipeline.entries import read_artifact
from pipeline.golden_inputs import AT_LIMITS, choose
from pipeline.golden_patterns import legal_ranges, made_up
from pipeline.plan import make_plan
from pipeline.request import Request
from pipeline.store import Store

GOAL = 10.0
"""Per cent hidden, of the faults that show on any of all these inputs."""
CHANNELS = 3
"""Of each activation, drawn."""
OTHERS = 256
"""Other patterns: a fault that shows on these alone is hidden too."""


@dataclass(frozen=True)
class Seen:
    """A fault, and whether it shows on drawn inputs, on the chosen ones, and on others."""

    fault: str
    drawn: bool
    chosen: bool
    others: bool


def figures(workshop: Workshop) -> Iterator[Figure]:
    """The share of faults that the chosen inputs hide; that of the drawn ones in the detail."""
    request = Request(("tflite",), reference_models.MODEL, (Framework.TORCH.value,), ("fp32",))
    plan = make_plan(request, workshop.configs)
    done = Driver(Store(workshop.workspace), workshop.pool, Silent()).run(
        [task for task in (plan.data, *plan.sources.values(), *plan.references.values()) if task]
    )
    reference = done[plan.references[Framework.TORCH].name]
    entry, artifact = reference.entry, done[plan.sources[Framework.TORCH].name].entry
    assert plan.data is not None
    data = done[plan.data.name].entry
    if not (entry and artifact and data):
        raise reference.error or ToolkitError("the reference model could not be made")
    model = read_artifact(artifact)
    pack = golden.read(entry.file(evidence.GOLDEN))
    files = _files(workshop.folder, model, pack, Dataset.open(data.folder))
    _, gates = load_configs(None, None)
    gate = gates.parity[Precision.FP32]
    rows = workshop.pool.call("torch", "benchmarks.golden:trial", 1800, artifact=model, files=files, gate=gate)
    yield read(rows, pack.samples)


def read(rows: list[Seen], samples: int) -> Figure:
    """The figure of what was seen."""
    real = [row for row in rows if row.drawn or row.chosen or row.others]
    hidden = {name: sum(not getattr(row, name) for row in real) for name in ("drawn", "chosen")}
    what = "activation faults that the golden outputs hide"
    if not real:
        return Figure("golden", what, None, GOAL, "%", "no fault changed any output", broken=True)
    share = {name: 100 * number / len(real) for name, number in hidden.items()}
    detail = f"{len(real)} faults, {samples} samples; as many drawn samples hide {share['drawn']:.0f} %"
    return Figure("golden", what, share["chosen"], GOAL, "%", detail)


def trial(artifact: Artifact, files: dict[str, Path], gate: ParityGate) -> list[Seen]:
    """What of each fault is seen on each set of inputs; runs in the worker of torch."""
    import torch

    torch.set_num_threads(1)
    model = source.load(artifact)
    session = EagerSession(artifact, model, 1)
    inputs = {name: load_samples(path) for name, path in files.items()}
    calibrated = _ranges(model, lambda: session.run_many(inputs["calibration"]))
    honest = {name: session.run_many(values) for name, values in inputs.items() if name != "calibration"}
    limits = {name: np.zeros(len(next(iter(values.values()))), dtype=bool) for name, values in honest.items()}
    limits["chosen"] = np.load(files["chosen"].with_suffix(".npy"))
    rows = []
    for name, module, change in _faults(model, calibrated):
        hook = module.register_forward_hook(change)
        try:
            faulty = {kind: session.run_many(inputs[kind]) for kind in honest}
        finally:
            hook.remove()
        seen = {
            kind: check_parity(honest[kind], faulty[kind], artifact.source.outputs, gate, limits[kind]).outcome
            is Outcome.FAILED
            for kind in honest
        }
        rows.append(Seen(name, **seen))
    return rows


def _faults(model: Any, calibrated: dict[str, tuple[Any, Any]]) -> Iterator[tuple[str, Any, Callable[..., Any]]]:
    """Each fault with the module whose output it changes: whole activations, and single channels drawn."""
    random = np.random.default_rng(0)
    for name, (module, ranges) in calibrated.items():
        low, high = ranges
        channels = random.choice(len(high), min(CHANNELS, len(high)), replace=False)
        places: list[slice | int] = [slice(None), *map(int, channels)]
        for where in places:
            place = name if isinstance(where, slice) else f"{name} channel {where}"
            yield f"{place}: RELU6 became RELU", module, _changed(where, lambda x: x.clamp(min=0))
            yield f"{place}: RELU6 has no lower end", module, _changed(where, lambda x: x.clamp(max=6))
            top, bottom = float(high[where].max()), float(low[where].min())
            clipped = lambda x, a=bottom, b=top: x.clamp(0, 6).clamp(a, b)  # noqa: E731
            yield f"{place}: clipped to the calibrated range", module, _changed(where, clipped)


def _changed(where: slice | int, change: Callable[[Any], Any]) -> Callable[..., Any]:
    def hook(module: Any, given: Any, output: Any) -> Any:
        other = output.clone()
        other[:, where] = change(given[0][:, where])
        return other

    return hook


def _ranges(model: Any, run: Callable[[], Any]) -> dict[str, tuple[Any, Any]]:
    """(module, (least, greatest output of each channel)) of each clipped activation, while `run` runs."""
    import torch

    found: dict[str, tuple[Any, Any]] = {}
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.ReLU6):

            def hook(module: Any, given: Any, output: Any, name: str = name) -> None:
                low, high = output.amin((0, 2, 3)), output.amax((0, 2, 3))
                if name in found:
                    before = found[name][1]
                    low, high = torch.minimum(low, before[0]), torch.maximum(high, before[1])
                found[name] = (module, (low, high))

            hooks.append(module.register_forward_hook(hook))
    run()
    for handle in hooks:
        handle.remove()
    return found


def _files(folder: Path, model: Artifact, pack: golden.GoldenPack, dataset: Dataset) -> dict[str, Path]:
    """The sets of inputs as files: chosen, drawn as it was done before, other patterns, and calibration images."""
    specs = model.signature.inputs
    real = to_samples(dataset.test.inputs, specs)
    drawn = choose(real, dataset.test.targets, model.signature, pack.samples, 0).inputs
    assert dataset.train is not None
    sets: dict[str, Arrays] = {
        "chosen": pack.inputs,
        "drawn": drawn,
        "others": made_up(specs, legal_ranges(specs, real), real, OTHERS, 1),
        "calibration": {name: values[:100] for name, values in to_samples(dataset.train.inputs, specs).items()},
    }
    files = {name: folder / f"golden_{name}.safetensors" for name in sets}
    for name, arrays in sets.items():
        evidence.save(files[name], arrays)
    np.save(files["chosen"].with_suffix(".npy"), pack.index == AT_LIMITS, allow_pickle=False)
    return files
