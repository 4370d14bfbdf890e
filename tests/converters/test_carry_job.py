from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gates.recurrent import ARTIFACT, CARRIED, HONEST, Fed, samples

from converters import carry_job
from converters.carry import STEPS, run_carried
from converters.contract import RuntimeSpec


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(carry_job, "open_session", lambda *_: Fed(HONEST))
    spec = RuntimeSpec("toy", "toy", (ARTIFACT.format,), "toy", ())
    monkeypatch.setattr(carry_job.registry, "runtime", lambda _: spec)
    inputs = samples(3 * STEPS - 5)
    np.savez(tmp_path / "s.npz", **{f"input/{name}": values for name, values in inputs.items()})
    return tmp_path / "s.npz"


def test_sequences_of_all_samples_are_those_of_one_session(stored: Path) -> None:
    found = carry_job.run_sequences("toy", ARTIFACT, stored, CARRIED, "input/")
    right = run_carried(Fed(HONEST), samples(3 * STEPS - 5), CARRIED)
    for name, values in right.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_slow_runtime_is_given_whole_sequences_and_one_at_least(stored: Path) -> None:
    found = carry_job.run_sequences("toy", ARTIFACT, stored, CARRIED, "input/", budget_s=0.0)
    assert len(found["y"]) == STEPS
