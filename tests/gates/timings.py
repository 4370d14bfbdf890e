"""Timings of a noisy machine: slow drift, spikes, and sessions that stay a little fast or slow for life."""

from __future__ import annotations

import numpy as np

from converters.timing import PairTimings

NOISE = {
    "usual": {"session": 0.015, "spikes": 0.05, "bad_rounds": 0.05},
    "quiet": {"session": 0.0, "spikes": 0.01, "bad_rounds": 0.0},
    "sessions differ": {"session": 0.03, "spikes": 0.05, "bad_rounds": 0.1},
    "many spikes": {"session": 0.015, "spikes": 0.3, "bad_rounds": 0.05},
}


def simulated(seed: int, effect: float = 1.0, rounds: int = 12, pairs: int = 20, noise: str = "usual") -> PairTimings:
    """Pairs of blocks of about 1 ms; a takes `effect` times as long as b."""
    level = NOISE[noise]
    rng = np.random.default_rng(seed)
    count = rounds * pairs * 2
    drift = np.convolve(rng.normal(size=count + 200) * 0.02, 0.98 ** np.arange(200), mode="valid")[:count]
    seconds = 1e-3 * np.exp(drift) * (1 + 0.01 * rng.standard_gamma(1, count))
    seconds *= np.where(rng.random(count) < level["spikes"], 1 + rng.exponential(1, count), 1)
    seconds = seconds.reshape(rounds, pairs, 2)
    a_first = np.stack([rng.permutation(np.arange(pairs) % 2 == 0) for _ in range(rounds)])
    sides = [
        np.where(a_first, *order) for order in ((seconds[..., 0], seconds[..., 1]), (seconds[..., 1], seconds[..., 0]))
    ]
    for side in sides:
        side *= np.exp(rng.normal(size=(rounds, 1)) * level["session"])
        side[rng.random(rounds) < level["bad_rounds"]] *= 1.3
    a, b = sides[0] * effect, sides[1]
    return PairTimings(a, b, a_first, float(np.quantile(a, 0.9)), float(np.quantile(b, 0.9)), 10, 1, rounds)
