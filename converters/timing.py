"""Times two artifacts against each other inside a worker: rounds of interleaved blocks, pinned, warm, freshly opened.

The rules and their reasons are in docs/how_latency_is_measured.md; pipeline/checks/sequential.py says when to stop.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact
from converters.device import threads_of
from converters.disturbance import Disturbance, Watch
from converters.errors import ContractError
from converters.session import Session

A, B, CONTROL = range(3)
"""The sides of a round: a, b, and b's file once more in a session of its own."""

_DISTINCT_SAMPLES = 8


@dataclass(frozen=True)
class Pairing:
    """Two artifacts, what opens them, and a file of the inputs of both, (n, *shape) under `prefix`.

    Both runtimes live in one worker. The same artifact twice is an A/A trial. `threads` is for runtimes whose name
    does not say; as many CPUs are pinned as the larger of them wants.
    """

    runtime_a: str
    artifact_a: Artifact
    runtime_b: str
    artifact_b: Artifact
    samples: Path
    threads: int = 1
    prefix: str = "input/"

    @property
    def most_threads(self) -> int:
        """What both sides need."""
        return max(threads_of(runtime, self.threads) for runtime in (self.runtime_a, self.runtime_b))

    def open(self, side: int) -> Session:
        """A session of its own: those that `converters.job` keeps open are shared by key, and each side needs one."""
        runtime, artifact = (self.runtime_a, self.artifact_a) if side == A else (self.runtime_b, self.artifact_b)
        session: Session = importlib.import_module(registry.runtime(runtime).module).open(
            artifact, runtime, self.threads
        )
        return session


@dataclass(frozen=True)
class Plan:
    """How rounds are made, found out by `converters.rehearsal`: the same for all rounds and for every side."""

    warm_up: int  # first calls of a session, which are not counted
    calls: tuple[int, int]  # in a block of a, of b
    coarse: bool  # whether the clock's ticks show in single calls, so that a block's mean is taken
    pairs: int  # blocks of each side in a round


@dataclass(frozen=True)
class Round:
    """Seconds a call of a, b and the control, (3, pairs): of one block each; and every single call of a and b."""

    seconds: np.ndarray
    orders: np.ndarray  # (pairs, 3): the sides as they came
    calls_a_s: np.ndarray
    calls_b_s: np.ndarray
    disturbance: Disturbance


@dataclass(frozen=True)
class PairTimings:
    """Seconds a call of a, b and the control (b in another session), (rounds, pairs) float64 each."""

    a_s: np.ndarray
    b_s: np.ndarray
    control_s: np.ndarray
    a_p90_s: float  # of single calls
    b_p90_s: float
    calls: int  # in a block of a
    warm_up: int  # calls before the first that counted
    threads: int
    elapsed_s: float  # with rehearsal and opening
    disturbance: Disturbance

    @classmethod
    def of(cls, rounds: Sequence[Round], plan: Plan, threads: int, elapsed_s: float) -> PairTimings:
        """All rounds together."""

        def side(number: int) -> np.ndarray:
            return np.stack([each.seconds[number] for each in rounds])

        return cls(
            a_s=side(A),
            b_s=side(B),
            control_s=side(CONTROL),
            a_p90_s=float(np.quantile(np.concatenate([each.calls_a_s for each in rounds]), 0.9)),
            b_p90_s=float(np.quantile(np.concatenate([each.calls_b_s for each in rounds]), 0.9)),
            calls=plan.calls[A],
            warm_up=plan.warm_up,
            threads=threads,
            elapsed_s=elapsed_s,
            disturbance=sum((each.disturbance for each in rounds[1:]), rounds[0].disturbance),
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PairTimings:
        """The timings whose arrays were written as lists."""
        values: dict[str, Any] = {n: np.asarray(v, np.float64) if isinstance(v, list) else v for n, v in data.items()}
        values["disturbance"] = Disturbance(**data["disturbance"])
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict."""
        fields = dataclasses.asdict(self)
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}


def time_round(
    pairing: Pairing, plan: Plan, seed: int, open: Callable[[Pairing, int], Session] = Pairing.open
) -> Round:
    """Opens all three sides anew, warms them up, and measures blocks of each in turn.

    Sides are opened and warmed in random order; the blocks of a pair come in random order, and in the opposite order
    in the next pair. So nothing tells the sides of an A/A trial apart but chance. Reading the outputs is part of a
    call (`Session.time`); adapting the inputs is not.

    Args:
        pairing: the two sides.
        plan: of `converters.rehearsal`.
        seed: of the orders.
        open: opens a side.

    Raises:
        ContractError: no samples.
        ModelError: a file that is missing or damaged.
    """
    inputs, rng = samples_of(pairing), np.random.default_rng(seed)
    sessions: dict[int, Session] = {}
    with alone(pairing.most_threads) as cpus, Watch(cpus) as watch:
        try:
            own = {}
            for side in map(int, rng.permutation(3)):
                sessions[side] = open(pairing, side)
                own[side] = own_inputs(sessions[side].artifact, inputs)
                if plan.warm_up:
                    sessions[side].time(own[side], plan.warm_up)
            orders = np.empty((plan.pairs, 3), np.int64)
            blocks: dict[int, list[np.ndarray]] = {A: [], B: [], CONTROL: []}
            for pair in range(plan.pairs):
                orders[pair] = orders[pair - 1][::-1] if pair % 2 else rng.permutation(3)
                for side in map(int, orders[pair]):
                    calls = plan.calls[min(side, B)]
                    blocks[side].append(sessions[side].time(some_of(own[side], pair, calls), calls))
        finally:
            for session in sessions.values():
                session.close()
    seconds = [
        [float(np.mean(block) if plan.coarse else np.median(block)) for block in blocks[side]]
        for side in (A, B, CONTROL)
    ]
    return Round(np.array(seconds), orders, np.concatenate(blocks[A]), np.concatenate(blocks[B]), watch.seen)


def own_inputs(artifact: Artifact, inputs: Arrays) -> Arrays:
    """Those inputs that the artifact takes: two files may name theirs differently."""
    names = {spec.name for spec in artifact.source.inputs}
    return {name: values for name, values in inputs.items() if name in names}


def some_of(inputs: Arrays, pair: int, calls: int) -> Arrays:
    """As many samples as the calls need, others in each pair: what is not used would be adapted in vain."""
    count = len(next(iter(inputs.values()), ()))
    chosen = (pair + np.arange(min(calls, count))) % max(count, 1)
    return {name: values[chosen] for name, values in inputs.items()}


def samples_of(pairing: Pairing) -> Arrays:
    """The first few samples of a pairing's file, (n, *shape) by name.

    Raises:
        ContractError: there are none.
    """
    from converters import job

    inputs = job.load_samples(pairing.samples, pairing.prefix)
    if not inputs or min(len(values) for values in inputs.values()) == 0:
        raise ContractError(f"{pairing.samples} holds no samples under {pairing.prefix!r}: nothing to time")
    return {name: values[:_DISTINCT_SAMPLES] for name, values in inputs.items()}


@contextlib.contextmanager
def alone(threads: int) -> Iterator[Sequence[int]]:
    """No garbage collection, and this process on `threads` CPUs where the system lets it; yields those that it has.

    The last ones, as the first serve interrupts.
    """
    enabled = gc.isenabled()
    before = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set(range(os.cpu_count() or 1))
    cpus = sorted(before)[-threads:]
    try:
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):  # forbidden in some containers
                os.sched_setaffinity(0, cpus)
            cpus = sorted(os.sched_getaffinity(0))
        gc.disable()
        yield cpus
    finally:
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, before)
        if enabled:
            gc.enable()
