"""Pairs are fair, warm, and found in the right size; the statistics on them are tested beside the checks."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gates import sleeper

from converters import registry, timing
from converters.contract import Artifact
from converters.errors import ContractError, ModelError
from converters.timing import MAX_PAIRS, MIN_PAIRS, ROUNDS, PairTimings, time_pair


@pytest.fixture(autouse=True)
def _sleeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "toolkits", lambda: (SimpleNamespace(RUNTIMES=(sleeper.RUNTIME,)),))
    sleeper.opened.clear()


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.npz"
    np.savez(path, **{"input/x": np.zeros((20, 1, 3), np.float32), "output/y": np.zeros((20, 1), np.float32)})
    return path


def run(a: Artifact, b: Artifact, samples: Path, **more: object) -> PairTimings:
    return time_pair("sleeper", a, "sleeper", b, samples, **{"budget_s": 0.4, **more})


def test_seconds_a_call_of_each_side(tmp_path: Path, samples: Path) -> None:
    found = run(sleeper.artifact(tmp_path / "a", 100), sleeper.artifact(tmp_path / "b", 300), samples)
    assert np.median(found.a_s) == pytest.approx(100e-6, rel=0.2)
    assert np.median(found.b_s) == pytest.approx(300e-6, rel=0.2)
    assert found.a_p90_s >= np.median(found.a_s)


def test_every_round_opens_both_anew_and_closes_them(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 50)
    found = run(same, same, samples)
    assert len(sleeper.opened) == 2 * ROUNDS == 2 * len(found.a_s)
    assert all(session.closed for session in sleeper.opened)


def test_orders_are_balanced_and_shuffled(tmp_path: Path, samples: Path) -> None:
    found = run(sleeper.artifact(tmp_path / "a", 50), sleeper.artifact(tmp_path / "b", 50), samples)
    assert (found.a_first.sum(axis=1) * 2 == found.a_first.shape[1]).all()
    assert len({tuple(order) for order in found.a_first}) > 1


def test_the_order_follows_the_seed(tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MAX_PAIRS", 8)
    same = sleeper.artifact(tmp_path / "a", 30)
    orders = [run(same, same, samples, seed=seed).a_first.tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_each_side_gets_the_inputs_that_it_names(tmp_path: Path) -> None:
    a, b = sleeper.artifact(tmp_path / "a", 50), sleeper.artifact(tmp_path / "b", 50)
    spec = dataclasses.replace(b.source.inputs[0], name="args_0")
    side = dataclasses.replace(b.source, inputs=(spec,))
    other = dataclasses.replace(b, source=side, signature=side)
    both = tmp_path / "both.npz"
    np.savez(both, **{f"input/{name}": np.zeros((20, 1, 3), np.float32) for name in ("x", "args_0")})
    assert np.isfinite(run(a, other, both).b_s).all()


def test_cold_calls_are_not_measured(tmp_path: Path, samples: Path) -> None:
    cold = sleeper.artifact(tmp_path / "a", 100, warm_up_calls=8)
    found = run(cold, sleeper.artifact(tmp_path / "b", 100), samples)
    assert np.median(found.a_s / found.b_s) == pytest.approx(1.0, abs=0.1)


def test_blocks_are_long_enough_for_the_clock(tmp_path: Path, samples: Path) -> None:
    found = run(sleeper.artifact(tmp_path / "a", 20), sleeper.artifact(tmp_path / "b", 20), samples)
    assert found.calls * 20e-6 >= 0.5e-3
    assert MIN_PAIRS <= found.a_s.shape[1] <= MAX_PAIRS


def test_slow_models_still_get_their_pairs(tmp_path: Path, samples: Path) -> None:
    slow = sleeper.artifact(tmp_path / "a", 8000)
    found = run(slow, slow, samples, budget_s=0.01)
    assert found.calls == 1
    assert found.a_s.shape == (ROUNDS, MIN_PAIRS)


def test_the_process_is_as_before(tmp_path: Path, samples: Path) -> None:
    before = os.sched_getaffinity(0)
    same = sleeper.artifact(tmp_path / "a", 30)
    run(same, same, samples)
    assert os.sched_getaffinity(0) == before
    assert gc.isenabled()


def test_a_container_that_forbids_pinning_is_measured_unpinned(
    tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(pid: int, cpus: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    same = sleeper.artifact(tmp_path / "a", 30)
    assert run(same, same, samples).a_s.size


def test_sessions_are_closed_when_one_fails(tmp_path: Path, samples: Path) -> None:
    good, bad = sleeper.artifact(tmp_path / "a", 30), sleeper.artifact(tmp_path / "b", 30)
    bad.path.write_text("{}")
    with pytest.raises(KeyError, match="micros"):
        run(good, bad, samples)
    assert all(session.closed for session in sleeper.opened)
    assert gc.isenabled()


def test_progress_is_told(tmp_path: Path, samples: Path) -> None:
    told: list[float] = []
    same = sleeper.artifact(tmp_path / "a", 30)
    run(same, same, samples, progress=lambda share, text: told.append(share))
    assert told == [number / ROUNDS for number in range(ROUNDS)]


def test_nothing_to_time(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 30)
    with pytest.raises(ContractError, match="a time budget of 0 s measures nothing"):
        run(same, same, samples, budget_s=0)
    with pytest.raises(ContractError, match="holds no samples under 'other/'"):
        run(same, same, samples, prefix="other/")
    with pytest.raises(ModelError, match="no file of samples"):
        run(same, same, tmp_path / "missing.npz")


def test_timings_survive_json(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 30)
    found = run(same, same, samples)
    again = PairTimings.from_json(json.loads(json.dumps(found.to_json())))
    assert again.to_json() == found.to_json()
    assert again.a_first.dtype == np.bool_
    assert again.a_s.shape == found.a_s.shape
