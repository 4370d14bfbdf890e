from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.paired import binomial_tail, detectable_drop, drop_interval, mcnemar_p, samples_needed


@pytest.mark.parametrize(("k", "n", "p"), [(0, 5, 0.3), (3, 5, 0.3), (5, 5, 0.3), (230, 2000, 0.1), (1, 1, 0.5)])
def test_binomial_tail_against_scipy(k: int, n: int, p: float) -> None:
    from scipy.stats import binom

    assert binomial_tail(k, n, p) == pytest.approx(binom.sf(k - 1, n, p), rel=1e-9)


def test_binomial_tail_at_its_ends() -> None:
    assert binomial_tail(1, 10, 0.0) == 0.0
    assert binomial_tail(11, 10, 0.5) == 0.0
    assert binomial_tail(10, 10, 1.0) == 1.0


@pytest.mark.parametrize(("b", "c"), [(10, 2), (2, 10), (0, 0), (1, 0), (7, 7), (300, 240)])
def test_mcnemar_against_scipy(b: int, c: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert mcnemar_p(b, c) == pytest.approx(expected, rel=1e-9)


def test_the_interval_holds_the_drop_and_mirrors() -> None:
    low, high = drop_interval(30, 10, 1000)
    assert low < 0.02 < high
    assert drop_interval(10, 30, 1000) == (pytest.approx(-high), pytest.approx(-low))


def test_no_changes_still_leave_room_for_a_drop() -> None:
    low, high = drop_interval(0, 0, 100)
    assert low == pytest.approx(-0.037, abs=1e-3)
    assert high == pytest.approx(0.037, abs=1e-3)
    assert drop_interval(0, 0, 10_000)[1] < 5e-4


def test_everything_lost() -> None:
    low, high = drop_interval(50, 0, 50)
    assert 0.8 < low < 1.0
    assert high == pytest.approx(1.0)


@pytest.mark.parametrize(("lost", "won", "n"), [(0.03, 0.02, 300), (0.01, 0.0, 2000), (0.2, 0.05, 60)])
def test_the_interval_covers_what_it_says(lost: float, won: float, n: int) -> None:
    rng = np.random.default_rng(0)
    trials = rng.multinomial(n, [lost, won, 1 - lost - won], size=400)
    inside = [low <= lost - won <= high for low, high in (drop_interval(int(b), int(c), n) for b, c, _ in trials)]
    assert 0.92 <= np.mean(inside) <= 0.99


def test_more_samples_show_smaller_drops() -> None:
    assert detectable_drop(2000, 40) == pytest.approx(0.011, abs=1e-4)
    assert detectable_drop(10_000, 200) < detectable_drop(2000, 40)
    assert detectable_drop(1, 1) == 1.0


@pytest.mark.parametrize(("n", "flip_share"), [(2000, 0.02), (500, 0.0), (10_000, 0.005)])
def test_the_detectable_drop_is_detected_as_often_as_it_says(n: int, flip_share: float) -> None:
    drop = detectable_drop(n, round(flip_share * n))
    rng = np.random.default_rng(1)
    rates = [flip_share / 2 + drop, flip_share / 2, 1 - flip_share - drop]
    trials = rng.multinomial(n, rates, size=500)
    shown = np.mean([drop_interval(int(b), int(c), n)[0] > 0 for b, c, _ in trials])
    assert 0.74 <= shown <= 0.97  # more where few flip: the interval is exact, the formula is not


def test_samples_needed_is_the_inverse_of_the_detectable_drop() -> None:
    assert samples_needed(detectable_drop(2000, 40), 0.02) == pytest.approx(2000)
    assert samples_needed(0.003, 0.02) == pytest.approx(20_056, rel=1e-3)
    assert samples_needed(0.0, 0.02) == samples_needed(-0.1, 0.02) == np.inf


def test_the_interval_misses_as_seldom_as_it_says() -> None:
    """Counted out over all b and c, which are Poisson where they are few among many."""
    n, most = 2000, 45
    ends = np.array([[drop_interval(b, c, n) for c in range(most)] for b in range(most)])
    k = np.arange(most)
    factorials = np.cumsum(np.log(np.maximum(k, 1)))

    def poisson(mean: float) -> np.ndarray:
        return np.exp(k * np.log(mean) - mean - factorials) if mean else (k == 0) * 1.0

    for won in (0.0, 0.3, 1.0, 4.0, 8.0):
        for drop in (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0):
            chance = np.outer(poisson(won + drop), poisson(won))
            assert chance[ends[..., 1] < drop / n].sum() <= 0.027
            assert chance[ends[..., 0] > drop / n].sum() <= 0.054
