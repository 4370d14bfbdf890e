"""A finished file of which nobody says what it takes: inputs are tried until a runtime of this CPU takes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import numpy as np

from converters.contract import Arrays, Artifact, RuntimeSpec
from converters.errors import EdgeExportError, UnsupportedError
from converters.state import Probe
from converters.worker import WorkerPool
from pipeline import telling
from pipeline.checks.conditioning import noise, nudged
from pipeline.checks.gates import ParityGate
from pipeline.checks.parity import check_parity
from pipeline.compare import ask
from pipeline.config import Limits
from pipeline.golden_inputs import choose_synthetic
from pipeline.lone import RANDOM_SAMPLES, SEED, cpu_runtimes
from pipeline.plausible import Ask, proposals, settle, with_inputs

EMULATED = 16
"""Samples for an emulated device, some 200 times as slow as this CPU: as few as the gates take."""
GIVEN = "given"
FEWEST_SETS, MOST_SETS, SEARCHED_BYTES = 16, 400, 64_000_000
"""Sets of inputs made up beyond the first, while an output says nearly the same to all: fewer for a larger file."""
SEARCH_S = 60.0
"""Of calls, by the probe's clock, to find them: a slow model keeps what was found so far."""
Worth = tuple[int, float, float]
"""Of outputs, all to be great: minus how many are silent, the dB that a rounding of the inputs leaves, and steps."""
MANY_STEPS = 128.0
"""Of an 8-bit output: where honest kernels differ by one, that is then little of its range."""
STEADY_DB, NUDGED = 72.0, 16
"""Which a rounding of the inputs must leave of an output, on so many samples: else it is rounding that is compared."""
_ENOUGH: Worth = (0, STEADY_DB, MANY_STEPS)


@dataclass
class Subject:
    """The file, the inputs that it takes, and what each runtime has given for them; each is asked once.

    `origin` says where the inputs come from; `refusals`, by runtime, why it took no inputs at all.
    """

    artifact: Artifact
    inputs: Arrays
    origin: str
    pool: WorkerPool
    limits: Limits
    found: Probe = field(default_factory=Probe)
    refusals: dict[str, EdgeExportError] = field(default_factory=dict)
    _given: dict[str, Arrays | EdgeExportError] = field(default_factory=dict)

    def outputs(self, spec: RuntimeSpec) -> Arrays | EdgeExportError:
        """The outputs (n, *shape) on a runtime, or why there are none."""
        if spec.name not in self._given:
            self._given[spec.name] = self.refusals.get(spec.name) or self._run(spec)
        return self._given[spec.name]

    def samples(self, spec: RuntimeSpec) -> np.ndarray:
        """Which samples a runtime is given, indices: all, but few made-up ones where an emulator takes long.

        A sequence stays whole. The count is the same on every machine, however fast it is.
        """
        count = len(next(iter(self.inputs.values())))
        emulated = spec.device is not None and spec.device.emulated
        if not emulated or self.origin == GIVEN or self.found.stateful or count <= EMULATED:
            return np.arange(count)
        return np.linspace(0, count - 1, EMULATED).astype(np.int64)

    def _run(self, spec: RuntimeSpec) -> Arrays | EdgeExportError:
        fresh = {"fresh": True} if self.found.stateful else {}
        inputs = {name: values[self.samples(spec)] for name, values in self.inputs.items()}
        try:
            found: Arrays = ask(spec, "run_samples", self.artifact, inputs, self.pool, self.limits, **fresh)
        except EdgeExportError as error:
            return error
        if self.found.random:
            return UnsupportedError(
                "two fresh sessions give different outputs for the same inputs: the model draws random numbers without "
                "a seed (or reads memory that it never wrote), so that nothing can be compared; fix its seed"
            )
        return found


Search = Generator[Subject, Worth | None, None]
"""Subjects one after the other, each answered by what it was worth."""


def prepare(artifact: Artifact, given: Arrays | None, gate: ParityGate, pool: WorkerPool, limits: Limits) -> Subject:
    """The file with inputs that one of its runtimes on this CPU takes: those given, else made-up ones.

    Args:
        artifact: the file.
        given: (n, *shape) by name.
        gate: says which outputs prove something; inputs are made up until the outputs do.
        pool: workers.
        limits: their time.

    Raises:
        UnsupportedError: an input for which no values can be made up.
    """
    if given is None:
        groups = list(proposals(artifact))
    else:
        sized = {name: values.shape[1:] for name, values in given.items()}
        groups = [(tuple(dataclasses.replace(spec, shape=sized[spec.name]) for spec in artifact.source.inputs),)]
    refusals: dict[str, EdgeExportError] = {}
    for runtime in cpu_runtimes(artifact.format):
        try:
            settled, found = settle(artifact, groups, given, asked(runtime, pool, limits), runtime.name)
        except EdgeExportError as error:
            refusals[runtime.name] = error
            continue
        first = _first(settled, given, pool, limits, found, refusals)
        return _most_telling(first, runtime, gate) if found.steady and given is None else first
    return _first(with_inputs(artifact, groups[0][0]), given, pool, limits, Probe(), refusals)


def _first(
    artifact: Artifact,
    given: Arrays | None,
    pool: WorkerPool,
    limits: Limits,
    found: Probe,
    refusals: dict[str, EdgeExportError],
) -> Subject:
    """The file with the inputs given, or with noise."""
    if given is not None:
        return Subject(artifact, given, GIVEN, pool, limits, found, refusals)
    inputs = choose_synthetic(artifact.source, RANDOM_SAMPLES, SEED).inputs
    return Subject(artifact, inputs, f"made up, seed {SEED}", pool, limits, found, refusals)


def _most_telling(first: Subject, runtime: RuntimeSpec, gate: ParityGate) -> Subject:
    """The first whose outputs prove something, else what comes nearest of what is searched.

    They move, stand still under a rounding of the inputs, and span many steps of their grids.
    """
    best, worth = first, _worth(first, runtime, gate)
    if isinstance(first.outputs(runtime), EdgeExportError):
        return first
    search = _sequences(first, worth) if first.found.stateful else _grown(first, runtime)
    spent_s, found = 0.0, None
    while worth < _ENOUGH and spent_s <= SEARCH_S:
        try:
            subject = search.send(found)
        except StopIteration:
            break
        found = _worth(subject, runtime, gate)
        if found > worth:
            best, worth = subject, found
        spent_s += 2 * len(next(iter(subject.inputs.values()))) * subject.found.call_s
    return best


def _grown(first: Subject, runtime: RuntimeSpec) -> Search:
    """Of the samples so far and fresh ones, each time those whose outputs lie furthest apart."""
    specs, pool = first.artifact.source.inputs, first
    for turn in range(_sets(first)):
        more = dataclasses.replace(first, inputs=telling.fresh_samples(specs, pool.inputs, turn), _given={})
        there, found = pool.outputs(runtime), more.outputs(runtime)
        if isinstance(found, EdgeExportError) or isinstance(there, EdgeExportError):
            continue
        outputs = _joined(there, found)
        rows = telling.apart(outputs, len(next(iter(first.inputs.values()))))
        inputs = {name: values[rows] for name, values in _joined(pool.inputs, more.inputs).items()}
        given: dict[str, Arrays | EdgeExportError] = {runtime.name: {n: values[rows] for n, values in outputs.items()}}
        pool = dataclasses.replace(first, inputs=inputs, origin="made up, chosen by what comes out", _given=given)
        yield pool


def _sequences(first: Subject, worth: Worth) -> Search:
    """One sequence after the other; the best of them have children."""
    elite = [(worth, first.inputs)]
    for turn in range(_sets(first)):
        for made in telling.fresh_sequences(first.artifact.source.inputs, [inputs for _, inputs in elite], turn):
            found = yield dataclasses.replace(
                first, inputs=made, origin=f"made up in sequences, turn {turn}", _given={}
            )
            elite.append((found or worth, made))
        elite = sorted(elite, key=lambda each: each[0], reverse=True)[: telling.ELITE]


def _sets(subject: Subject) -> int:
    return int(np.clip(SEARCHED_BYTES // max(subject.artifact.size_bytes, 1), FEWEST_SETS, MOST_SETS))


def _joined(some: Arrays, others: Arrays) -> Arrays:
    return {name: np.concatenate([values, others[name]]) for name, values in some.items()}


def _worth(subject: Subject, runtime: RuntimeSpec, gate: ParityGate) -> Worth:
    """How much the outputs prove; where the file does not run, nothing."""
    outputs = subject.outputs(runtime)
    if isinstance(outputs, EdgeExportError):
        return -len(subject.artifact.source.outputs) - 1, 0.0, 0.0
    silent = check_parity(outputs, outputs, subject.artifact.source.outputs, gate).reasons
    if silent:
        return -len(silent), 0.0, 0.0
    rows = slice(None) if subject.found.stateful else slice(0, NUDGED)
    moved = dataclasses.replace(subject, inputs={n: v[rows] for n, v in nudged(subject.inputs).items()}, _given={})
    again = moved.outputs(runtime)
    known = (
        {} if isinstance(again, EdgeExportError) else _noise(subject, {n: v[rows] for n, v in outputs.items()}, again)
    )
    return 0, min(known.get("snr_db", STEADY_DB), STEADY_DB), min(steps(subject.artifact, outputs), MANY_STEPS)


def _noise(subject: Subject, outputs: Arrays, moved: Arrays) -> Mapping[str, float]:
    """`conditioning.noise` of the float outputs: how far a rounding moves those of 8 bits, their steps say."""
    pairs = zip(subject.artifact.source.outputs, subject.artifact.signature.outputs, strict=True)
    return noise(
        outputs, moved, tuple(spec for spec, own in pairs if not own.scale and outputs[spec.name].dtype.kind == "f")
    )


def steps(artifact: Artifact, outputs: Arrays) -> float:
    """How many steps of its 8-bit grid the output spans that spans fewest; infinite where none is quantized."""
    pairs = zip(artifact.source.outputs, artifact.signature.outputs, strict=True)
    return min((float(np.ptp(outputs[spec.name])) / own.scale for spec, own in pairs if own.scale), default=np.inf)


def asked(runtime: RuntimeSpec, pool: WorkerPool, limits: Limits) -> Ask:
    """How a runtime is asked to take inputs, in its worker."""
    return lambda artifact, samples: ask(runtime, "probe", artifact, samples, pool, limits)
