"""Sweeps: stored case by case, taken up where they stopped, several at a time."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from coverage_cases import case, trial, way

from converters.contract import Precision
from converters.devices import cache
from converters.errors import UnavailableError
from pipeline.configs import load_configs
from pipeline.coverage import sweep as module
from pipeline.coverage.cases import CORPORA
from pipeline.coverage.sweep import Sweep, basis, require_ready, sheet_of, stored, to_json
from pipeline.coverage.trial import Result


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "root", lambda: tmp_path / "cache")
    tried: list[str] = []
    threads: set[int] = set()

    def attempt(each, by, pool, gates):
        tried.append(f"{by.name}/{each.name}")
        threads.add(threading.get_ident())
        if each.name == "test_stop" and "stopped" not in tried:
            tried.append("stopped")
            raise KeyboardInterrupt
        return trial(each.name, Result.RIGHT if each.name != "test_bad" else Result.WRONG, passed=False)

    monkeypatch.setattr(module, "attempt", attempt)
    return tried


def _sweep(cases, ways, jobs=1):
    told = []
    results = Sweep(None, 1 << 30, jobs).run(cases, ways, "key", lambda way, trial, old: told.append((trial.case, old)))
    return results, told


def test_what_is_stored_is_not_tried_again(here, tmp_path) -> None:
    cases = [case(tmp_path, name) for name in ("test_a", "test_bad")]
    first, _ = _sweep(cases, [way()])
    assert here == ["somewhere/test_a", "somewhere/test_bad"]
    again, told = _sweep(cases, [way()])
    assert len(here) == 2
    assert again == first
    assert all(old for _, old in told)
    assert stored(cases, [way()], "key") == first
    assert stored(cases, [way()], "other key") == {"somewhere": {}}


def test_results_depend_on_the_gate_that_judges_them_and_on_no_other() -> None:
    gates = load_configs(None, None)[1]

    def with_limit(precision: Precision, limit: float) -> str:
        changed = {**gates.parity, precision: replace(gates.parity[precision], max_rel_range=limit)}
        return basis(CORPORA[0], replace(gates, parity=changed))

    assert with_limit(Precision.INT8, 0.9) == basis(CORPORA[0], gates)
    assert with_limit(Precision.FP32, 0.9) != basis(CORPORA[0], gates)
    assert basis(CORPORA[1], gates) != basis(CORPORA[0], gates)


def test_a_stopped_sweep_goes_on(here, tmp_path) -> None:
    cases = [case(tmp_path, name) for name in ("test_a", "test_stop", "test_z")]
    with pytest.raises(KeyboardInterrupt):
        _sweep(cases, [way()])
    results, _ = _sweep(cases, [way()])
    assert set(results["somewhere"]) == {"test_a", "test_stop", "test_z"}
    assert here.count("somewhere/test_a") == 1


def test_a_damaged_result_is_made_again(here, tmp_path) -> None:
    cases = [case(tmp_path, "test_a")]
    _sweep(cases, [way()])
    (file,) = sheet_of(way(), "key").folder.glob("*.json")
    file.write_text("{")
    results, _ = _sweep(cases, [way()])
    assert results["somewhere"]["test_a"].result is Result.RIGHT
    assert len(here) == 2


def test_several_routes_at_a_time(here, tmp_path) -> None:
    cases = [case(tmp_path, f"test_{number}") for number in range(40)]
    results, _ = _sweep(cases, [way("one"), way("two")], jobs=2)
    assert len(here) == 80
    assert len(set(here)) == 80
    assert set(to_json(results)) == {"one", "two"}


def test_a_route_whose_toolkit_is_missing_is_an_error(monkeypatch) -> None:
    import dataclasses

    from converters import registry

    edge = dataclasses.replace(registry.edge("tflite_from_onnx"), packages=("no-such-package",))
    with pytest.raises(UnavailableError, match="route somewhere needs no-such-package"):
        require_ready([dataclasses.replace(way(), edges=(edge,))])
