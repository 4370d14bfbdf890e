"""A finished file of which nobody says what it takes: inputs are tried until a runtime of this CPU takes them."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field

import numpy as np

from converters.carry import Carried
from converters.contract import Arrays, Artifact, Format, RuntimeSpec
from converters.errors import EdgeExportError, UnsupportedError
from converters.state import Probe
from converters.worker import WorkerPool
from pipeline.asking import ask
from pipeline.checks.conditioning import left_db
from pipeline.checks.gates import ParityGate
from pipeline.config import Limits
from pipeline.golden_inputs import choose_synthetic
from pipeline.lone import RANDOM_SAMPLES, SEED, cpu_runtimes
from pipeline.plausible import Ask, as_bytes, proposals, require_declared, settle, with_inputs
from pipeline.telling import Search, Tried

EMULATED = 16
"""Samples for an emulated device, some 200 times as slow as this CPU: as few as the gates take."""
GIVEN = "given"
SEARCH_S = 60.0
"""Of calls, by the probe's clock, to find inputs that tell: a slow model keeps what was found so far."""


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

    def sequences(self, spec: RuntimeSpec, carried: Carried, shake: float = 0.0) -> Arrays | EdgeExportError:
        """The outputs (n, *shape) on a runtime when its state goes back in; `shake` as `carry.run_carried`."""
        question, more = "carry_job:run_sequences", {"carried": dict(carried), "shake": shake}
        try:
            found: Arrays = ask(spec, question, self.artifact, self.inputs, self.pool, self.limits, **more)
        except EdgeExportError as error:
            return error
        return found

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


def prepare(
    artifact: Artifact,
    given: Arrays | None,
    gate: ParityGate,
    pool: WorkerPool,
    limits: Limits,
    steady_db: float = 0.0,
) -> Subject:
    """The file with inputs that one of its runtimes on this CPU takes: those given, else made-up ones.

    Args:
        artifact: the file.
        given: (n, *shape) by name.
        gate: says which outputs prove something; inputs are made up until the outputs do.
        pool: workers.
        limits: their time.
        steady_db: where a rounding leaves less of the outputs, images of undeclared limits are tried as bytes.

    Raises:
        UnsupportedError: an input for which no values can be made up.
        ModelError: an output that declares other sizes than it has.
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
        if artifact.format is Format.ONNX and found.shapes:  # others declare what they had when they were traced
            require_declared(artifact.path.name, artifact.signature.outputs, found.shapes)
        first = _first(settled, given, pool, limits, found, refusals)
        return _most_telling(first, runtime, gate, steady_db) if found.steady and given is None else first
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


def _most_telling(first: Subject, runtime: RuntimeSpec, gate: ParityGate, steady_db: float) -> Subject:
    """The inputs on which the outputs prove something, else what comes nearest of what is searched."""

    def run(inputs: Arrays) -> Arrays:
        outputs = dataclasses.replace(first, inputs=inputs, _given={}).outputs(runtime)
        if isinstance(outputs, EdgeExportError):
            raise outputs
        return outputs

    outputs = first.outputs(runtime)
    if isinstance(outputs, EdgeExportError):
        return first
    search, start = Search(run, first.artifact, gate), Tried(first.inputs, outputs, first.origin)
    if steady_db and (wide := as_bytes(first.artifact)) is not None:
        worth, start = search.weighed(start)
        if worth[0] == 0 and left_db(search.noise(start)) < steady_db:
            with contextlib.suppress(EdgeExportError):
                other = _first(wide, None, first.pool, first.limits, first.found, first.refusals)
                more, tried = search.weighed(search.tried(other.inputs, other.origin))
                if more >= worth and left_db(search.noise(tried)) > left_db(search.noise(start)):
                    first, start, search = other, tried, dataclasses.replace(search, artifact=wide)
    most = int(SEARCH_S / max(first.found.call_s, 1e-6))
    best = search.most_telling(start, most, sequences=first.found.stateful)
    return dataclasses.replace(first, inputs=best.inputs, origin=best.origin, _given={runtime.name: best.outputs})


def asked(runtime: RuntimeSpec, pool: WorkerPool, limits: Limits) -> Ask:
    """How a runtime is asked to take inputs, in its worker."""
    return lambda artifact, samples: ask(runtime, "probe", artifact, samples, pool, limits)
