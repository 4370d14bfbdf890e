"""Times two artifacts against each other inside a worker: interleaved, warmed, pinned, re-opened in rounds.

The rules and their reasons are in docs/how_latency_is_measured.md.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact
from converters.device import threads_of
from converters.errors import ContractError
from converters.session import Session

ROUNDS = 12
"""Both files are opened anew in each: where a session's memory lands changes its speed by a few percent for life."""

MIN_PAIRS, MAX_PAIRS = 4, 64
"""Of blocks in a round."""

_BLOCK_S = 1e-3  # 10,000 ticks of the clock
_WARM_BLOCKS = 3
_WARM_TOLERANCE = 0.03
_WARM_SHARE = 0.3  # of a round, at most
_DISTINCT_SAMPLES = 8


@dataclass(frozen=True)
class PairTimings:
    """Seconds per call of a and b, (rounds, pairs) float64 each: the median of one block; `a_first` says the order."""

    a_s: np.ndarray
    b_s: np.ndarray
    a_first: np.ndarray
    a_p90_s: float  # of single calls
    b_p90_s: float
    calls: int  # in a block
    threads: int
    stable_rounds: int  # in which both were warm before the first pair

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PairTimings:
        """The timings whose arrays were written as lists."""
        kinds = {"a_s": np.float64, "b_s": np.float64, "a_first": np.bool_}
        return cls(**{name: np.asarray(value, kinds[name]) if name in kinds else value for name, value in data.items()})

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict."""
        fields = dataclasses.asdict(self)
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}


def time_pair(
    runtime_a: str,
    artifact_a: Artifact,
    runtime_b: str,
    artifact_b: Artifact,
    samples: Path,
    *,
    budget_s: float,
    threads: int = 1,
    seed: int = 0,
    prefix: str = "input/",
    progress: Callable[[float, str], None] | None = None,
) -> PairTimings:
    """Interleaved timings of two artifacts in this process.

    Each of `ROUNDS` rounds opens both files anew, warms both until their block medians stand still, then measures
    pairs of blocks in the orders AB and BA, shuffled and equally often. Reading the outputs is part of a call
    (`Session.time`); adapting the inputs is not.

    Args:
        runtime_a: what opens `artifact_a`; both runtimes live in this worker.
        artifact_a: the artifact in question.
        runtime_b: what opens `artifact_b`.
        artifact_b: its baseline; the same artifact gives an A/A trial.
        samples: an .npz or .safetensors file of the inputs of both, (n, *shape) under `prefix`.
        budget_s: seconds to spend on calls, opening not counted; slow models take longer, for `MIN_PAIRS` a round.
        threads: given to the runtimes whose name does not say; as many CPUs are pinned as the larger wants.
        seed: of the orders.
        prefix: of the names of inputs.
        progress: called with the share done and a text.

    Raises:
        ContractError: no samples or no budget.
        ModelError: a file that is missing or damaged.
    """
    if not budget_s > 0:
        raise ContractError(f"a time budget of {budget_s} s measures nothing")
    inputs = _first_samples(samples, prefix)
    most = max(threads_of(runtime, threads) for runtime in (runtime_a, runtime_b))
    rng = np.random.default_rng(seed)
    plan = _Plan(budget_s / ROUNDS)
    with _pinned(most), _no_collection():
        rounds = []
        for number in range(ROUNDS):
            if progress:
                progress(number / ROUNDS, f"round {number + 1} of {ROUNDS}")
            rounds.append(_round(((runtime_a, artifact_a), (runtime_b, artifact_b)), inputs, threads, plan, rng))
    return PairTimings(
        a_s=np.stack([each.medians[0] for each in rounds]),
        b_s=np.stack([each.medians[1] for each in rounds]),
        a_first=np.stack([each.a_first for each in rounds]),
        a_p90_s=float(np.quantile(np.concatenate([each.all_calls[0] for each in rounds]), 0.9)),
        b_p90_s=float(np.quantile(np.concatenate([each.all_calls[1] for each in rounds]), 0.9)),
        calls=plan.calls,
        threads=threads_of(runtime_a, threads),
        stable_rounds=sum(each.stable for each in rounds),
    )


@dataclass
class _Plan:
    """How long a round may take; the first round finds the size of a block and the number of pairs for all."""

    round_s: float
    calls: int = 0
    pairs: int = 0

    def settle(self, slower_call_s: float, overhead_s: float) -> None:
        """Blocks long enough for the clock, as many pairs as fit, an even number so that orders balance.

        `overhead_s` is what a block takes beside its calls, as where messages go to another process and back.
        """
        if self.calls:
            return
        self.calls = max(1, int(np.ceil(_BLOCK_S / slower_call_s)))
        fitting = int((1 - _WARM_SHARE) * self.round_s / (2 * (self.calls * slower_call_s + overhead_s)))
        self.pairs = int(np.clip(fitting, MIN_PAIRS, MAX_PAIRS)) // 2 * 2


@dataclass(frozen=True)
class _Round:
    """One round: block medians, (pairs,) for a and b; every single call; the orders."""

    medians: np.ndarray
    all_calls: tuple[np.ndarray, np.ndarray]
    a_first: np.ndarray
    stable: bool


def _round(
    sides: tuple[tuple[str, Artifact], tuple[str, Artifact]],
    inputs: Arrays,
    threads: int,
    plan: _Plan,
    rng: np.random.Generator,
) -> _Round:
    """Opens both, in random order, warms both, measures pairs, closes both."""
    sessions: list[Session | None] = [None, None]
    try:
        for side in rng.permutation(2):
            sessions[side] = _open(*sides[side], threads)
        opened = [session for session in sessions if session is not None]
        own = [_own(session.artifact, inputs) for session in opened]
        warm = [_warm_up(*side, plan.round_s * _WARM_SHARE / 2) for side in zip(opened, own, strict=True)]
        plan.settle(max(side.call_s for side in warm), max(side.overhead_s for side in warm))
        a_first = rng.permutation(np.arange(plan.pairs) % 2 == 0)
        calls = np.empty((2, plan.pairs, plan.calls))
        for pair, first in enumerate(a_first):
            for side in (0, 1) if first else (1, 0):
                calls[side, pair] = opened[side].time(own[side], plan.calls)
    finally:
        for session in sessions:
            if session is not None:
                session.close()
    return _Round(
        np.median(calls, axis=2), (calls[0].ravel(), calls[1].ravel()), a_first, all(side.stable for side in warm)
    )


@dataclass(frozen=True)
class _Warm:
    """Seconds of a call and of what a block takes beside its calls, and whether the medians stood still."""

    call_s: float
    overhead_s: float
    stable: bool


def _warm_up(session: Session, inputs: Arrays, longest_s: float) -> _Warm:
    """Runs blocks until the median of the last few is that of the few before."""
    end = time.perf_counter() + longest_s
    first = float(session.time(inputs, 1)[0])
    calls = max(1, int(min(_BLOCK_S, longest_s / (2 * _WARM_BLOCKS)) / first))
    medians: list[float] = []
    beside: list[float] = []
    while True:
        start = time.perf_counter()
        block = session.time(inputs, calls)
        beside.append(time.perf_counter() - start - float(block.sum()))
        medians.append(float(np.median(block)))
        now, stable = float(np.median(medians[-_WARM_BLOCKS:])), False
        if len(medians) >= 2 * _WARM_BLOCKS:
            before = np.median(medians[-2 * _WARM_BLOCKS : -_WARM_BLOCKS])
            stable = bool(abs(now - before) <= _WARM_TOLERANCE * before)
        if stable or (time.perf_counter() > end and len(medians) >= 2):
            return _Warm(now, max(float(np.median(beside)), 0.0), stable)


def _open(runtime: str, artifact: Artifact, threads: int) -> Session:
    """A session of its own: those that `converters.job` keeps open are shared by key, and A/A needs two."""
    return importlib.import_module(registry.runtime(runtime).module).open(artifact, runtime, threads)


def _own(artifact: Artifact, inputs: Arrays) -> Arrays:
    """Those inputs that the artifact takes: two files may name theirs differently."""
    names = {spec.name for spec in artifact.source.inputs}
    return {name: values for name, values in inputs.items() if name in names}


def _first_samples(path: Path, prefix: str) -> Arrays:
    from converters import job

    inputs = job.load_samples(path, prefix)
    if not inputs or min(len(values) for values in inputs.values()) == 0:
        raise ContractError(f"{path} holds no samples under {prefix!r}: nothing to time")
    return {name: values[:_DISTINCT_SAMPLES] for name, values in inputs.items()}


@contextlib.contextmanager
def _pinned(threads: int) -> Iterator[None]:
    """Keeps this process on `threads` CPUs, where the system lets it; the last ones, as the first serve interrupts."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):  # forbidden in some containers
        os.sched_setaffinity(0, sorted(before)[-threads:])
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection inside a timed block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
