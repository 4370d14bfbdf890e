"""Stage `reference`: the framework's own eager fp32 outputs, on the golden pack and on the whole test split."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from converters import content, registry
from converters.carry import Carried
from converters.contract import Arrays, Artifact, Format, Signature
from converters.errors import ToolkitError, UnsupportedError
from converters.reach import Reach
from pipeline import config, evidence, golden
from pipeline.checks.conditioning import worst
from pipeline.checks.exercise import Exercise
from pipeline.checks.gates import ParityGate
from pipeline.checks.made_up import MadeUp
from pipeline.config import Limits
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.samples import to_samples
from pipeline.entries import read_artifact, read_facts
from pipeline.feeding import carried_of, eager, other_kernels, prefixed, rounded, sequences, with_visited
from pipeline.golden_choice import Candidates, Seen, choose_by_reach, exercised, rows_of
from pipeline.golden_inputs import AT_LIMITS, LEAST, NO_LABEL, Chosen, choose, choose_synthetic, count_samples
from pipeline.golden_patterns import Legal, of_every_kind
from pipeline.store import Entry, digest
from pipeline.task import Context, Task, code
from pipeline.telling import ENOUGH, Search, Tried, Worth

MADE_CANDIDATES, CANDIDATE_BYTES = 1024, 64 << 20
"""Inputs to choose from where there is no data."""
SEARCHED, SEARCHED_WORK = 2048, 1 << 33
"""Samples that are run to find telling ones, and `Reach.work`. No clock is asked: a slow machine finds the same."""
EXPLORED = (Format.TORCH, Format.KERAS, Format.PT2, Format.KERAS_FILE)
"""Source models that a framework holds, with gradients; of other files values inside are traced."""


def reference_task(
    source: Task,
    data: Task | None,
    limits: Limits,
    *,
    golden_samples: int,
    golden_bytes: int = golden.PACK_BYTES,
    state: Carried = MappingProxyType({}),
    seed: int = 0,
) -> Task:
    """Chooses the golden inputs by what they show of the source model, and runs it eagerly on them and the test split.

    Without data the golden inputs are synthesised within the plausible range of each input, and there is no test. Of a
    model whose state goes back in, `state` or what its names say, sequences of them are run too.
    """

    def work(context: Context) -> None:
        artifact = read_artifact(context.needs["source"])
        kept = bool(read_facts(context.needs["source"]).get("stateful"))
        carried, ranged, why_not = carried_of(context, artifact, state, limits, seed)
        if why_not:
            context.warn(why_not)
        artifact = artifact if "data" in context.needs else ranged
        golden_inputs = _chosen(context, artifact, limits, golden_samples, golden_bytes, seed, carried)
        made_up = None
        if "data" in context.needs:
            chosen, exercise, _ = golden_inputs
            outputs = eager(context, artifact, chosen.inputs, limits)
            _keep_test(context, artifact, limits)
        else:  # made-up inputs may prove nothing, or be where the model is ill-conditioned
            chosen, exercise, outputs, rounding = _telling(context, artifact, limits, golden_inputs)
            few = {} if kept else rounded(context, artifact, chosen, outputs, limits)  # kept: samples are one sequence
            made_up = MadeUp(rounding, few)
        golden.write(context.folder / evidence.GOLDEN, chosen, outputs, artifact, exercise, golden_bytes, made_up)
        facts: dict[str, Any] = {"carried": carried}
        if carried:
            facts |= sequences(context, artifact, chosen, carried, limits)
        count = context.call(source.lane, "converters.job:parameter_count", limits.inspect_s, artifact=artifact)
        (context.folder / evidence.FACTS).write_text(json.dumps({"parameters": count, **facts}))

    needs = {"source": source, **({"data": data} if data else {})}
    ingredients = {
        "golden samples": digest([golden_samples, golden_bytes, seed, sorted(state.items())]),
        "what outputs must prove": digest(dataclasses.asdict(_gate())),
        "code of the reference": code(
            "pipeline/stages/reference.py",
            "pipeline/golden*.py",
            "pipeline/telling*.py",
            "pipeline/feeding.py",
            "pipeline/checks/parity.py",
            "pipeline/checks/conditioning.py",
            "pipeline/checks/made_up.py",
            "pipeline/datasets/samples.py",
            "converters/eager",
            "converters/onnx/shake.py",
            "converters/*.py",
        ),
    }
    name = f"reference {source.name.partition(' ')[2]}"
    return Task(name, "reference", ingredients, work, needs, lane=source.lane)


def _keep_test(context: Context, artifact: Artifact, limits: Limits) -> None:
    """Runs the test split, and keeps it with its labels."""
    data = Dataset.open(context.needs["data"].folder)
    test = data.test
    inputs = to_samples(test.inputs, artifact.signature.inputs, data.preprocessing)
    outputs = eager(context, artifact, inputs, limits)
    labels = {} if test.targets is None else {"label": np.asarray(test.targets, np.int64)}
    arrays = {**prefixed(evidence.INPUT, inputs), **prefixed(evidence.OUTPUT, outputs), **labels}
    evidence.save(context.folder / evidence.TEST, arrays)


def _candidates(signature: Signature, data: Entry | None, seed: int) -> Candidates:
    """Real inputs to choose from, those of the test split first; made up where there is no data."""
    if data is None:
        made = choose_synthetic(signature, MADE_CANDIDATES // 2, seed, CANDIDATE_BYTES // 2).inputs
        others = of_every_kind(signature.inputs, count_samples(made, None), seed)
        return Candidates({name: np.concatenate([values, others[name]]) for name, values in made.items()}, None)
    dataset = Dataset.open(data.folder)
    inputs = to_samples(dataset.test.inputs, signature.inputs, dataset.preprocessing)
    targets = dataset.test.targets
    if dataset.train is not None and len(dataset.test) < LEAST:  # whether two programs agree, any image tells
        more = to_samples(dataset.train.inputs, signature.inputs, dataset.preprocessing)
        inputs = {name: np.concatenate([values, more[name]]) for name, values in inputs.items()}
        labels = [np.full(len(s), NO_LABEL) if s.targets is None else s.targets for s in (dataset.test, dataset.train)]
        targets = None if targets is None else np.concatenate(labels)
    return Candidates(inputs, targets)


def _chosen(
    context: Context, artifact: Artifact, limits: Limits, most: int, budget: int, seed: int, carried: Carried
) -> tuple[Chosen, Exercise | None, Seen | None]:
    """The golden inputs, chosen by what they show inside the model, or by themselves where it shows nothing."""
    candidates = _candidates(artifact.signature, context.needs.get("data"), seed)
    if carried and "data" not in context.needs:
        made = with_visited(context, artifact, candidates.inputs, carried, limits)  # others are drawn in their range
        candidates = Candidates(made, None)
    few = rows_of(candidates.inputs, np.arange(min(2, count_samples(candidates.inputs, candidates.targets))))
    count = golden.sample_count(candidates.inputs, eager(context, artifact, few, limits), most, budget)

    def say(text: str) -> None:
        context.progress({"phase": text})

    explorer = _Explorer(context, artifact, limits)
    made_up = "data" not in context.needs
    try:
        return choose_by_reach(candidates, artifact.signature, count, seed, explorer, say, steady=made_up)
    except (UnsupportedError, ToolkitError) as error:
        context.warn(f"the golden inputs are drawn, not chosen by what they show: {error}")
        return choose(candidates.inputs, candidates.targets, artifact.signature, count, seed), None, None


def _telling(
    context: Context, artifact: Artifact, limits: Limits, found: tuple[Chosen, Exercise | None, Seen | None]
) -> tuple[Chosen, Exercise | None, Arrays, dict[str, float]]:
    """The golden inputs, what they exercise, the outputs, and what rounding does to those.

    Other inputs where the outputs prove nothing, or hang on rounding; what was made up at the limits stays where it
    does no harm.
    """
    chosen, exercise, seen = found
    search = _search(context, artifact, limits)
    worth, first = _weighed(search, search.tried(chosen.inputs, "chosen"), chosen.index)
    if worth >= ENOUGH:
        return chosen, exercise, first.outputs, _noise(search, first, chosen.index)
    context.progress({"phase": "looking for inputs on which the outputs tell more"})
    sequences, made = bool(read_facts(context.needs["source"]).get("stateful")), chosen.index == AT_LIMITS
    real = first if sequences or made.all() else first.rows(~made)
    most = min(SEARCHED, SEARCHED_WORK // seen.reach.work) if seen else SEARCHED
    best = search.most_telling(real, most, sequences=sequences)
    choices = [(first, chosen.index), (best, np.arange(len(best)))]
    if len(real) < len(first):
        both = search.steadied(best).beside(search.steadied(first.rows(made)))
        choices.insert(1, (both, np.concatenate([np.arange(len(best)), chosen.index[made]])))
    weighed = [(*_weighed(search, tried, index), index) for tried, index in choices]
    _, told, index = max(weighed, key=lambda each: each[0])
    if told is not first:
        chosen = Chosen(told.inputs, np.full(len(told), NO_LABEL, np.int64), index)
        exercise = exercised(told.inputs, seen, _Explorer(context, artifact, limits)) if seen else None
    return chosen, exercise, told.outputs, _noise(search, told, index)


def _weighed(search: Search, tried: Tried, index: np.ndarray) -> tuple[Worth, Tried]:
    """How much the outputs prove, at the limits and away from them, where they are judged alone; all that is known."""
    worth, tried = search.weighed(tried)
    alone = search.weighed(tried.rows(index != AT_LIMITS))[0] if _mixed(index) else worth
    return (min(worth, alone) if alone[0] == 0 else worth), tried


def _noise(search: Search, tried: Tried, index: np.ndarray) -> dict[str, float]:
    """What rounding does to the outputs, and to those away from the limits: of each metric the worse."""
    noises = [search.noise(tried)]
    return worst([*noises, search.noise(tried.rows(index != AT_LIMITS))] if _mixed(index) else noises)


def _mixed(index: np.ndarray) -> bool:
    return 1 < int((index != AT_LIMITS).sum()) < len(index)


def _search(context: Context, artifact: Artifact, limits: Limits) -> Search:
    """The search, by the reference and, where its format has them, by other kernels of this CPU.

    Of an ONNX file that takes no floats, which no rounding moves, also by a copy with its weights moved so.
    """
    other = other_kernels(artifact)
    beside = [partial(eager, context, artifact, limits=limits, runtime=other)] if other else []
    whole = all(np.dtype(spec.dtype).kind != "f" for spec in artifact.source.inputs)
    if whole and artifact.format is Format.ONNX:
        copy = context.scratch / "shaken.onnx"
        worker = registry.reference_runtime(artifact.format).worker
        context.call(worker, "converters.onnx.shake:shaken", limits.inspect_s, path=artifact.path, copy=copy)
        moved = replace(artifact, path=copy, sha256=content.sha256(copy))
        beside.append(partial(eager, context, moved, limits=limits))
    return Search(partial(eager, context, artifact, limits=limits), artifact, _gate(), tuple(beside))


def _gate() -> ParityGate:
    """What outputs must prove: by the gate that comes with the project, whatever gate judges."""
    return ParityGate(**config.load().gates["parity"]["fp32"])


@dataclass(frozen=True)
class _Explorer:
    """The reference looked into, in the framework's own worker."""

    context: Context
    artifact: Artifact
    limits: Limits

    def survey(self, inputs: Arrays, legal: Legal, nudged: bool) -> Reach:
        found: Reach = self._ask("survey", inputs, legal=legal, nudged=nudged)
        return found

    def climb(self, inputs: Arrays, legal: Legal, steps: int, goals: np.ndarray) -> Arrays:
        if self.artifact.format not in EXPLORED:
            raise UnsupportedError(f"a {self.artifact.format} file has no gradients")
        found: Arrays = self._ask("climb", inputs, legal=legal, steps=steps, goals=goals)
        return found

    def _ask(self, function: str, inputs: Arrays, **arguments: Any) -> Any:
        module = "converters.eager.explore" if self.artifact.format in EXPLORED else "converters.survey_job"
        samples = self.context.folder / "candidates.safetensors"
        evidence.save(samples, prefixed(evidence.INPUT, inputs))
        try:
            return self.context.call(
                registry.reference_runtime(self.artifact.format).worker,
                f"{module}:{function}",
                self.limits.reference_s,
                artifact=self.artifact,
                samples=samples,
                prefix=evidence.INPUT,
                **arguments,
            )
        finally:
            samples.unlink()
