"""Finds out from the first calls of two artifacts how they are best timed against each other."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from converters.contract import Arrays
from converters.timing import A, B, Pairing, Plan, alone, own_inputs, samples_of, some_of

MOST_PAIRS = 64
_FEWEST_PAIRS, _QUICK_ROUND_S = 4, 0.1
_BLOCK_S = 1e-3  # 10,000 ticks of a usual clock
_TICKS = 200  # in a block, where the clock is coarse
_COARSE = 0.01  # of a call
_FEWEST_FIRST, _MOST_FIRST = 6, 2000
_SLOW_S = 2.0
"""Of a first call: what takes so long is not called again only to see how it warms up."""
_FLOAT_NOISE_S = 1e-10
_FAR_APART = 4.0


def rehearse(pairing: Pairing, longest_s: float) -> Plan:
    """Finds out from the first calls of both sides how long they warm up, and what blocks and rounds should be.

    A block is long enough for the clock. A round has as many pairs as make the most of the time that opening and
    warming up cost: the square root of that time by a pair's (Cochran, "Sampling Techniques", 1977, section 10.6, for
    a variance between sessions like that within).

    Args:
        pairing: the two sides.
        longest_s: how long the first calls may take; a slow model takes longer.

    Raises:
        ContractError: no samples.
        ModelError: a file that is missing or damaged.
    """
    inputs = samples_of(pairing)
    with alone(pairing.most_threads):
        first = [_first_calls(pairing, side, inputs, longest_s / 2) for side in (A, B)]
    warm_up = max(side.warm_up for side in first)
    opening_s = sum(count * (side.open_s + warm_up * side.call_s) for count, side in zip((1, 2), first, strict=True))
    pair_s = sum(count * side.block_s for count, side in zip((1, 2), first, strict=True))
    pairs = math.sqrt(opening_s / pair_s)
    if _FEWEST_PAIRS * pair_s <= _QUICK_ROUND_S:
        pairs = max(pairs, _FEWEST_PAIRS)
    even = round(pairs) if pairs < 1.5 else 2 * math.ceil(pairs / 2)
    a, b = first
    return Plan(warm_up, _calls(a, b), a.coarse or b.coarse, min(max(even, 1), MOST_PAIRS))


def settled(seconds: np.ndarray) -> int:
    """How many first calls are slower than the later ones: those before the first like them.

    Like them: no slower than nine of ten calls of the second half, and so is the median of the few that follow.
    """
    count = len(seconds)
    limit = np.quantile(seconds[count // 2 :], 0.9)
    window = min(max(1, count // 8), 5)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(seconds, window), axis=1)
    return int(np.argmax(medians <= limit)) + window // 2  # so many slow ones a median hides


def _calls(a: _First, b: _First) -> tuple[int, int]:
    """Calls in a block of each side: as many on both, or a median would treat them differently, unless far apart."""
    if max(a.call_s, b.call_s) > _FAR_APART * min(a.call_s, b.call_s):
        return a.calls, b.calls
    return (max(a.calls, b.calls),) * 2


@dataclass(frozen=True)
class _First:
    """What the first calls of a side tell. `block_s` is with what a block takes beside its calls."""

    open_s: float
    call_s: float
    block_s: float
    warm_up: int
    calls: int
    coarse: bool


def _first_calls(pairing: Pairing, side: int, inputs: Arrays, longest_s: float) -> _First:
    start = time.perf_counter()
    session = pairing.open(side)
    open_s = time.perf_counter() - start
    try:
        own = own_inputs(session.artifact, inputs)
        seconds = session.time(some_of(own, 0, 1), 1)
        if seconds[0] > _SLOW_S:
            return _First(open_s, float(seconds[0]), float(seconds[0]), 0, 1, False)
        last = session.time(own, _FEWEST_FIRST - 1)
        seconds = np.concatenate([seconds, last])
        while len(seconds) < _MOST_FIRST:
            fitting = int((longest_s - seconds.sum()) / max(float(np.median(last)), _FLOAT_NOISE_S))
            if fitting < 1:
                break
            last = session.time(own, min(fitting, len(seconds)))
            seconds = np.concatenate([seconds, last])
        warm_up = settled(seconds)
        call_s = float(np.mean(seconds[warm_up:])) or (time.perf_counter() - start - open_s) / len(seconds)
        tick = _tick(seconds)
        coarse = tick > _COARSE * call_s
        calls = max(1, math.ceil(max(_BLOCK_S, _TICKS * tick if coarse else 0.0) / call_s))
        start = time.perf_counter()
        session.time(some_of(own, 0, calls), calls)
        block_s = max(time.perf_counter() - start, calls * call_s)
        return _First(open_s, call_s, block_s, warm_up, calls, coarse)
    finally:
        session.close()


def _tick(seconds: np.ndarray) -> float:
    """The least step between times that differ; a clock that never moved ticks slower than anything here."""
    steps = np.diff(np.unique(seconds))
    steps = steps[steps > _FLOAT_NOISE_S]
    return float(steps.min()) if steps.size else 0.0 if seconds.max() > 0 else _BLOCK_S
