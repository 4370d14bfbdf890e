from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.tensorflow
BUILDER = "pipeline.models.mobilenet_keras:build"


@pytest.fixture
def trained(train: Callable[..., Any]) -> Callable[..., Any]:
    from pipeline.models.train_keras import train as trainer

    return lambda name, **options: train(trainer, BUILDER, name, **options)


def test_a_killed_training_ends_in_the_same_bytes(trained: Callable[..., Any]) -> None:
    whole, expected, _ = trained("whole")
    assert trained("killed", kill_after=2)[0] is None
    resumed, found, events = trained("killed")
    assert (whole["resumed_after_epoch"], resumed["resumed_after_epoch"]) == (0, 2)
    assert events[0]["epoch"] == 3
    assert found == expected
    assert resumed["accuracy"] == whole["accuracy"]


def test_the_seed_matters(trained: Callable[..., Any]) -> None:
    assert len({trained(f"seed {seed}", seed=seed, epochs=1)[1] for seed in (0, 1)}) == 2


def test_it_learns_and_the_file_holds_what_was_judged(
    trained: Callable[..., Any], eager_accuracy: Callable[..., float]
) -> None:
    result, _, events = trained("learns", epochs=20, shift=0)
    assert result["accuracy"] > 0.9
    assert result["samples"] == result["epochs"] * events[0]["steps"] * 54
    assert events[-1]["loss"] < events[0]["loss"] / 2
    assert eager_accuracy(BUILDER, "tensorflow", "learns") == result["accuracy"]


def test_settings_of_the_process_are_given_back(trained: Callable[..., Any]) -> None:
    from tensorflow.python.framework.config import is_op_determinism_enabled

    before = is_op_determinism_enabled()
    trained("settings", epochs=1)
    assert is_op_determinism_enabled() == before
