"""Statistics of two classifiers judged on the same samples. Exact or closed form, no scipy: nothing to wait for.

b: samples only the reference gets right; c: samples only the other gets right; n: all samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_BISECTIONS = 60


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p), by logarithms of the exact terms."""
    if k <= 0:
        return 1.0
    if p <= 0 or k > n:
        return 0.0
    if p >= 1:
        return 1.0
    log_p, log_q = math.log(p), math.log1p(-p)
    top = math.lgamma(n + 1)
    terms = (
        math.exp(top - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * log_p + (n - i) * log_q)
        for i in range(k, n + 1)
    )
    return min(1.0, math.fsum(terms))


def mcnemar_p(b: int, c: int) -> float:
    """Two-sided p of the exact McNemar test that b and c differ by chance only; 1 where nothing differs."""
    if b + c == 0:
        return 1.0
    return min(1.0, 2.0 * binomial_tail(max(b, c), b + c, 0.5))


def drop_interval(b: float, c: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of the drop (b - c) / n, as shares; counts may be fractions, where they are expected ones.

    Score interval of Tango (Statistics in Medicine 17, 1998): right in coverage even where b and c are zero, where the
    upper end is that of the rule of three (3.84 / n). Counted out over all b and c, at 95 %, a true drop lies above the
    interval in at most 2.7 % of trials and below it in at most 5.4 %.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    drop = (b - c) / n
    lower = _bisect(lambda d: _score(b, c, n, d) - z, -1.0, drop)
    upper = _bisect(lambda d: _score(b, c, n, d) + z, drop, 1.0)
    return lower, upper


def detectable_drop(n: int, flips: int, power: float = 0.8, confidence: float = 0.95) -> float:
    """The least true drop, as a share, that n paired samples would show, where this many flip for other reasons.

    Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43 (1987),
    solved for the drop d: n d^2 = (z_confidence sqrt(s) + z_power sqrt(s - d^2))^2, where s = flips / n + d.
    """
    return _bisect(lambda drop: n - samples_needed(drop, flips / n, power, confidence), 1.0, 0.0)


def samples_needed(drop: float, flip_share: float, power: float = 0.8, confidence: float = 0.95) -> float:
    """How many paired samples show a true drop, as in `detectable_drop`; infinite for no drop."""
    if drop <= 0:
        return math.inf
    share = min(1.0, flip_share + drop)
    z_confidence, z_power = NormalDist().inv_cdf(0.5 + confidence / 2), NormalDist().inv_cdf(power)
    return (z_confidence * math.sqrt(share) + z_power * math.sqrt(max(share - drop**2, 0.0))) ** 2 / drop**2


def _score(b: float, c: float, n: float, drop: float) -> float:
    """Tango's score statistic for a hypothetical drop."""
    linear = -(b + c) + (2 * n - (b - c)) * drop
    root = math.sqrt(max(linear**2 + 8 * n * c * drop * (1 - drop), 0.0))
    q = (root - linear) / (4 * n)
    variance = n * (2 * q + drop * (1 - drop))
    gap = (b - c) - n * drop
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that is positive towards `low` and negative towards `high` changes its sign."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if function(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
