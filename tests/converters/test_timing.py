"""Rounds are fair and warm, and leave the process as it was; the statistics on them are tested beside the checks."""

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

from converters import registry
from converters.contract import Artifact
from converters.disturbance import Disturbance
from converters.errors import ContractError, ModelError
from converters.timing import CONTROL, A, B, Pairing, PairTimings, Plan, Round, time_round

PLAN = Plan(warm_up=2, calls=(3, 3), coarse=False, pairs=4)


@pytest.fixture(autouse=True)
def _sleeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "toolkits", lambda: (SimpleNamespace(RUNTIMES=(sleeper.RUNTIME,)),))
    sleeper.opened.clear()


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.npz"
    np.savez(path, **{"input/x": np.zeros((20, 1, 3), np.float32), "output/y": np.zeros((20, 1), np.float32)})
    return path


def run(a: Artifact, b: Artifact, samples: Path, plan: Plan = PLAN, seed: int = 0, **more: object) -> Round:
    return time_round(Pairing("sleeper", a, "sleeper", b, samples, **more), plan, seed)  # type: ignore[arg-type]


def test_seconds_a_call_of_each_side(tmp_path: Path, samples: Path) -> None:
    found = run(sleeper.artifact(tmp_path / "a", 100), sleeper.artifact(tmp_path / "b", 300), samples)
    assert found.seconds.shape == (3, PLAN.pairs)
    assert np.median(found.seconds[A]) == pytest.approx(100e-6, rel=0.2)
    assert np.median(found.seconds[B]) == pytest.approx(300e-6, rel=0.2)
    assert np.median(found.seconds[CONTROL]) == pytest.approx(300e-6, rel=0.2)
    assert found.calls_a_s.shape == found.calls_b_s.shape == (12,)


def test_every_round_opens_three_sessions_warms_them_all_and_closes_them(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 50)
    run(same, same, samples)
    assert len(sleeper.opened) == 3
    assert {session.calls for session in sleeper.opened} == {PLAN.warm_up + PLAN.pairs * PLAN.calls[0]}
    assert all(session.closed for session in sleeper.opened)


def test_a_round_turns_back_every_order_and_rounds_differ(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 20)
    orders = [run(same, same, samples, seed=seed).orders for seed in range(12)]
    for order in orders:
        assert (order[1::2] == order[::2, ::-1]).all()
        assert (np.sort(order, axis=1) == [A, B, CONTROL]).all()
    assert len({order.tobytes() for order in orders}) > 6
    again = run(same, same, samples, seed=3).orders
    np.testing.assert_array_equal(again, orders[3])


def test_sides_are_opened_in_any_order(tmp_path: Path, samples: Path) -> None:
    a, b = sleeper.artifact(tmp_path / "a", 20), sleeper.artifact(tmp_path / "b", 20)
    firsts = set()
    for seed in range(12):
        sleeper.opened.clear()
        run(a, b, samples, seed=seed)
        firsts.add(sleeper.opened[0].artifact.path.name)
    assert firsts == {"a", "b"}


def test_each_side_gets_the_inputs_that_it_names(tmp_path: Path) -> None:
    a, b = sleeper.artifact(tmp_path / "a", 50), sleeper.artifact(tmp_path / "b", 50)
    spec = dataclasses.replace(b.source.inputs[0], name="args_0")
    side = dataclasses.replace(b.source, inputs=(spec,))
    other = dataclasses.replace(b, source=side, signature=side)
    both = tmp_path / "both.npz"
    np.savez(both, **{f"input/{name}": np.zeros((20, 1, 3), np.float32) for name in ("x", "args_0")})
    assert np.isfinite(run(a, other, both).seconds).all()


def test_cold_calls_are_not_measured(tmp_path: Path, samples: Path) -> None:
    cold = sleeper.artifact(tmp_path / "a", 100, warm_up_calls=8)
    found = run(cold, sleeper.artifact(tmp_path / "b", 100), samples, dataclasses.replace(PLAN, warm_up=8))
    assert np.median(found.seconds[A] / found.seconds[B]) == pytest.approx(1.0, abs=0.1)


def test_a_coarse_clock_is_averaged(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 100, tick_micros=80)
    plan = Plan(warm_up=1, calls=(200, 200), coarse=True, pairs=2)
    found = run(same, same, samples, plan)
    assert found.seconds == pytest.approx(100e-6, rel=0.15)
    assert set(np.round(found.calls_a_s * 1e6)) <= {80.0, 160.0, 240.0}


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
    assert run(same, same, samples).seconds.size


def test_sessions_are_closed_when_one_fails(tmp_path: Path, samples: Path) -> None:
    good, bad = sleeper.artifact(tmp_path / "a", 30), sleeper.artifact(tmp_path / "b", 30)
    bad.path.write_text("{}")
    with pytest.raises(KeyError, match="micros"):
        run(good, bad, samples)
    assert all(session.closed for session in sleeper.opened)
    assert gc.isenabled()


def test_nothing_to_time(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 30)
    with pytest.raises(ContractError, match="holds no samples under 'other/'"):
        run(same, same, samples, prefix="other/")
    with pytest.raises(ModelError, match="no file of samples"):
        run(same, same, tmp_path / "missing.npz")


def test_timings_survive_json(tmp_path: Path, samples: Path) -> None:
    same = sleeper.artifact(tmp_path / "a", 30)
    rounds = [run(same, same, samples, seed=seed) for seed in range(2)]
    found = PairTimings.of(rounds, PLAN, 1, 0.5)
    assert found.a_s.shape == found.b_s.shape == found.control_s.shape == (2, PLAN.pairs)
    assert found.disturbance.elapsed_s == pytest.approx(sum(each.disturbance.elapsed_s for each in rounds))
    again = PairTimings.from_json(json.loads(json.dumps(found.to_json())))
    assert again.to_json() == found.to_json()
    assert isinstance(again.disturbance, Disturbance)
