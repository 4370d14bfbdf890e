"""Warm-up, blocks and rounds are found from the first calls, of fast and slow models, by fine and coarse clocks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gates import sleeper

from converters import registry
from converters.rehearsal import MOST_PAIRS, rehearse, settled
from converters.timing import Pairing, Plan


@pytest.fixture(autouse=True)
def _sleeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "toolkits", lambda: (SimpleNamespace(RUNTIMES=(sleeper.RUNTIME,)),))
    sleeper.opened.clear()


def plan(tmp_path: Path, a_micros: float, b_micros: float, longest_s: float = 0.05, **more: float) -> Plan:
    samples = tmp_path / "samples.npz"
    np.savez(samples, **{"input/x": np.zeros((20, 1, 3), np.float32)})
    a, b = sleeper.artifact(tmp_path / "a", a_micros, **more), sleeper.artifact(tmp_path / "b", b_micros, **more)
    return rehearse(Pairing("sleeper", a, "sleeper", b, samples), longest_s)


def test_blocks_are_long_enough_for_the_clock_on_each_side(tmp_path: Path) -> None:
    found = plan(tmp_path, 20, 200)
    assert found.calls[0] * 20e-6 >= 0.5e-3
    assert 3 <= found.calls[1] <= 6
    assert found.coarse is False
    assert 4 <= found.pairs <= MOST_PAIRS
    assert found.pairs % 2 == 0


def test_a_slow_model_has_one_call_a_block_and_few_pairs(tmp_path: Path) -> None:
    found = plan(tmp_path, 60_000, 60_000)
    assert found.calls == (1, 1)
    assert found.pairs <= 2
    assert sum(session.calls for session in sleeper.opened) == 2 * 7, "six calls tell, one shows what a block costs"


def test_a_model_of_seconds_a_call_is_called_once(tmp_path: Path) -> None:
    found = plan(tmp_path, 5e6, 3e6)
    assert (found.warm_up, found.calls, found.pairs) == (0, (1, 1), 1)
    assert [session.calls for session in sleeper.opened] == [1, 1]


@pytest.mark.parametrize("cold", [0, 5, 40])
def test_the_warm_up_is_found_from_the_data(tmp_path: Path, cold: int) -> None:
    assert cold <= plan(tmp_path, 100, 100, warm_up_calls=cold).warm_up <= cold + 30


def test_a_coarse_clock_makes_longer_blocks(tmp_path: Path) -> None:
    found = plan(tmp_path, 100, 100, tick_micros=80)
    assert found.coarse is True
    assert found.calls[0] * 100e-6 >= 100 * 80e-6


def test_a_clock_that_never_moves_is_no_division_by_zero(tmp_path: Path) -> None:
    assert plan(tmp_path, 1, 1, tick_micros=1e9).coarse is True


def test_both_sessions_are_closed(tmp_path: Path) -> None:
    plan(tmp_path, 100, 100)
    assert [session.closed for session in sleeper.opened] == [True, True]


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("cold", [0, 1, 10, 200])
def test_the_change_point_of_first_calls(cold: int, noise: float) -> None:
    rng = np.random.default_rng(cold)
    seconds = 1e-4 * (1 + noise * rng.exponential(size=1000))
    seconds[:cold] *= 3
    assert cold <= settled(seconds) <= cold + 25


def test_a_gradual_warm_up_ends_where_the_tail_begins() -> None:
    seconds = 1e-4 * (1 + np.exp(-np.arange(600) / 50)) + 1e-7 * np.random.default_rng(0).random(600)
    assert 100 <= settled(seconds) <= 350


@pytest.mark.parametrize(
    ("seconds", "expected"), [([9, 3, 3, 3, 3, 3], 1), ([3, 3, 3, 3, 3, 3], 0), ([9, 6, 3, 3, 3, 3], 2)]
)
def test_a_few_slow_calls_tell_too(seconds: list[float], expected: int) -> None:
    assert settled(np.array(seconds) * 0.1) == expected


@pytest.mark.parametrize(("b_micros", "alike"), [(20, True), (27, True), (60, True), (2000, False)])
def test_files_of_like_speed_have_blocks_of_equal_calls(tmp_path: Path, b_micros: float, alike: bool) -> None:
    calls = plan(tmp_path, 20, b_micros).calls
    assert (calls[0] == calls[1]) is alike
