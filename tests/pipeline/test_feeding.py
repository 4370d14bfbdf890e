"""The reference run on samples, in sequences and rounded; by a model with state, in this process."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gates.recurrent import ARTIFACT, CARRIED, HONEST, Fed, samples
from safetensors.numpy import load_file

from converters.carry import run_carried
from converters.contract import Arrays
from converters.samples import load_samples
from pipeline import config, evidence
from pipeline.entries import write_artifact
from pipeline.feeding import fed, rounded, sequences, visited
from pipeline.golden_inputs import AT_LIMITS, Chosen
from pipeline.stages.convert import CALIBRATION, calibration_task
from pipeline.store import Entry
from pipeline.task import Context, Task

LIMITS = config.load().limits


@pytest.fixture
def context(tmp_path: Path) -> Context:
    def call(_: str, target: str, timeout_s: float, *, samples: Path, prefix: str, **more: Any) -> Arrays:
        inputs = load_samples(samples, prefix)
        if target == "converters.carry_job:run_sequences":
            return run_carried(
                Fed(HONEST), inputs, more["carried"], ranges=more.get("ranges"), shake=more.get("shake", 0.0)
            )
        assert target == "converters.job:run_samples"
        return HONEST(inputs)

    return Context(tmp_path, {}, call, lambda _: None, lambda _: None, tmp_path)


def test_sequences_are_kept_with_what_rounding_does_to_them(context: Context) -> None:
    inputs, index = samples(), np.where(np.arange(96) < 70, np.arange(96), AT_LIMITS)
    facts = sequences(context, ARTIFACT, Chosen(inputs, np.full(96, -1), index), CARRIED, LIMITS)
    kept = load_file(context.folder / evidence.SEQUENCE)
    right = fed(context, ARTIFACT, {name: values[:70] for name, values in inputs.items()}, CARRIED, LIMITS)
    np.testing.assert_array_equal(kept[evidence.OUTPUT + "y"], right["y"])
    np.testing.assert_array_equal(kept[evidence.INPUT + "x"], inputs["x"][:70])  # 8 bits saturate at the limits
    assert 0 < facts["sequence_rounding"]["max_rel_range"] < 1e-4 < facts["sequence_rounded"]["max_rel_range"] < 0.1
    assert [path.name for path in context.folder.iterdir()] == [evidence.SEQUENCE]


def test_calibration_sees_the_states_that_a_model_comes_to(context: Context, tmp_path: Path) -> None:
    """Drawn from N(0, 1) they ended at 4, and a speech detector's at 31: integers cut off the rest."""
    folder = tmp_path / "source"
    folder.mkdir()
    write_artifact(folder, ARTIFACT, {"stateful": False})
    task = calibration_task(Task("load net_onnx", "train", {}, lambda _: None), None, 96, LIMITS)
    task.work(dataclasses.replace(context, needs={"source": Entry(folder, "k", {}, 0.0)}))
    inputs = dict(np.load(context.folder / CALIBRATION))
    assert {name: len(values) for name, values in inputs.items()} == {"x": 96, "state": 96}
    ran = fed(context, ARTIFACT, inputs, CARRIED, LIMITS)["stateN"]
    np.testing.assert_array_equal(inputs["state"][2:32:2], ran[1:31:2])
    assert np.abs(inputs["state"]).max() > 4.5


def test_the_limits_of_a_state_are_what_it_visits(context: Context) -> None:
    inputs = {spec.name: spec for spec in visited(context, ARTIFACT, CARRIED, LIMITS, 0).source.inputs}
    low, high = inputs["state"].limits or (0.0, 0.0)
    assert low < -2 < 2 < high
    assert inputs["x"].limits is None


def test_what_8_bits_of_the_inputs_do_is_told_away_from_the_limits(context: Context) -> None:
    inputs = samples(40)
    index = np.where(np.arange(40) < 30, np.arange(40), AT_LIMITS)
    far = {name: np.where((index == AT_LIMITS)[:, None, None], 1e6, v).astype("f4") for name, v in inputs.items()}
    chosen = Chosen(far, np.full(40, -1), index)
    noise = rounded(context, ARTIFACT, chosen, HONEST(far), LIMITS)
    assert 1e-4 < noise["max_rel_range"] < 0.05
    assert 20 < noise["snr_db"] < 60
