"""A finished file of which nobody says what it takes: inputs are tried until a runtime of this CPU takes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from converters.contract import Arrays, Artifact, RuntimeSpec
from converters.errors import EdgeExportError, UnsupportedError
from converters.state import Probe
from converters.worker import WorkerPool
from pipeline.checks.gates import ParityGate
from pipeline.checks.parity import check_parity
from pipeline.compare import ask
from pipeline.config import Limits
from pipeline.golden_inputs import choose_synthetic, in_stretches
from pipeline.lone import RANDOM_SAMPLES, SEED, cpu_runtimes
from pipeline.plausible import Ask, proposals, settle, with_inputs

EMULATED = 16
"""Samples for an emulated device, some 200 times as slow as this CPU: as few as the gates take."""
GIVEN = "given"
FEWEST_SETS, MOST_SETS, SEARCHED_BYTES = 16, 400, 64_000_000
"""Sets of inputs made up beyond the first, while an output says nearly the same to all: fewer for a larger file."""
SEARCH_S = 60.0
"""Of calls, by the probe's clock, to find them: a slow model keeps what was found so far."""
MANY_STEPS = 128.0
"""Of an 8-bit output: where honest kernels differ by one, that is then little of its range."""


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
        subjects = _subjects(settled, given, pool, limits, found, refusals)
        return _most_telling(subjects, runtime, gate) if found.steady else next(subjects)
    first = with_inputs(artifact, groups[0][0])
    return next(_subjects(first, given, pool, limits, Probe(), refusals))


def _subjects(
    artifact: Artifact,
    given: Arrays | None,
    pool: WorkerPool,
    limits: Limits,
    found: Probe,
    refusals: dict[str, EdgeExportError],
) -> Iterator[Subject]:
    """The file with the inputs given, or with one made-up set after the other."""
    if given is not None:
        yield Subject(artifact, given, GIVEN, pool, limits, found, refusals)
        return
    inputs = choose_synthetic(artifact.source, RANDOM_SAMPLES, SEED).inputs
    count = len(next(iter(inputs.values())))
    yield Subject(artifact, inputs, f"made up, seed {SEED}", pool, limits, found, refusals)
    sets = int(np.clip(SEARCHED_BYTES // max(artifact.size_bytes, 1), FEWEST_SETS, MOST_SETS))
    for seed in range(SEED, SEED + sets):
        inputs = in_stretches(artifact.source.inputs, count, seed)
        yield Subject(artifact, inputs, f"made up in stretches, seed {seed}", pool, limits, found, refusals)


def _most_telling(subjects: Iterator[Subject], runtime: RuntimeSpec, gate: ParityGate) -> Subject:
    """The first whose outputs prove something and span many steps of their grids, else the one that comes nearest."""
    best: tuple[tuple[int, float], Subject] | None = None
    spent_s = 0.0
    for subject in subjects:
        outputs = subject.outputs(runtime)
        if isinstance(outputs, EdgeExportError):
            return best[1] if best else subject
        silent = check_parity(outputs, outputs, subject.artifact.source.outputs, gate).reasons
        worth = -len(silent), min(steps(subject.artifact, outputs), MANY_STEPS)
        if best is None or worth > best[0]:
            best = worth, subject
        spent_s += len(next(iter(subject.inputs.values()))) * subject.found.call_s
        if worth == (0, MANY_STEPS) or spent_s > SEARCH_S:
            break
    assert best
    return best[1]


def steps(artifact: Artifact, outputs: Arrays) -> float:
    """How many steps of its 8-bit grid the output spans that spans fewest; infinite where none is quantized."""
    pairs = zip(artifact.source.outputs, artifact.signature.outputs, strict=True)
    return min((float(np.ptp(outputs[spec.name])) / own.scale for spec, own in pairs if own.scale), default=np.inf)


def asked(runtime: RuntimeSpec, pool: WorkerPool, limits: Limits) -> Ask:
    """How a runtime is asked to take inputs, in its worker."""
    return lambda artifact, samples: ask(runtime, "probe", artifact, samples, pool, limits)
