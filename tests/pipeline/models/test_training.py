from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from converters.errors import ConfigError, DataError
from pipeline.datasets.dataset import Dataset, Split
from pipeline.models import training
from pipeline.models.training import TrainOptions


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"unknown training option 'epoch' \(did you mean 'epochs'\?\); known are"):
        training.parse({"epoch": 3})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 or more, got 0"),
        ({"epochs": 2.5}, "epochs must be int, got 2.5"),
        ({"epochs": True}, "epochs must be int, got True"),
        ({"flip": 1}, "flip must be bool, got 1"),
        ({"learning_rate": "fast"}, "learning_rate must be float, got 'fast'"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"validation": 1.0}, "validation must lie in 0 <= x < 1"),
        ({"warmup": -0.1}, "warmup must lie in"),
        ({"patience": 0}, "patience must be above 0"),
    ],
)
def test_impossible_options_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        training.parse(options)


def test_whole_numbers_serve_as_floats() -> None:
    assert training.parse({"learning_rate": 1, "weight_decay": 0}).learning_rate == 1


def test_held_out_samples_are_never_trained_on(blobs: Dataset) -> None:
    plan = training.plan(blobs, TrainOptions(validation=0.25, shift=0))
    assert (len(plan.images), len(plan.held_images)) == (30, 10)
    trained = {image.tobytes() for images, _ in plan.batches(0) for image in images}
    assert not trained & {image.tobytes() for image in plan.held_images}


def test_small_sets_get_small_batches_and_more_epochs(blobs: Dataset) -> None:
    plan = training.plan(blobs, TrainOptions(epochs=3, batch_size=128, min_steps=60))
    assert (plan.batch, plan.steps, plan.epochs) == (8, 4, 15)


def test_the_order_depends_on_seed_and_epoch_alone(blobs: Dataset) -> None:
    def order(seed: int, epoch: int) -> list[bytes]:
        plan = training.plan(blobs, TrainOptions(seed=seed, validation=0, flip=True))
        return [images.tobytes() for images, _ in plan.batches(epoch)]

    assert order(0, 1) == order(0, 1)
    assert len({tuple(order(*key)) for key in ((0, 1), (0, 2), (1, 1))}) == 3


def test_variation_moves_and_mirrors_but_keeps_labels(blobs: Dataset) -> None:
    plan = training.plan(blobs, TrainOptions(validation=0, flip=True, shift=2))
    known = set()
    padded = np.pad(plan.images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    for turn in (padded, padded[:, :, ::-1]):
        for y in range(5):
            for x in range(5):
                known |= {
                    (i.tobytes(), int(t)) for i, t in zip(turn[:, y : y + 9, x : x + 14], plan.targets, strict=True)
                }
    seen = {(i.tobytes(), int(t)) for images, targets in plan.batches(0) for i, t in zip(images, targets, strict=True)}
    assert seen <= known
    originals = {(i.tobytes(), int(t)) for i, t in zip(plan.images, plan.targets, strict=True)}
    assert not seen <= originals


def test_the_learning_rate_climbs_and_falls(blobs: Dataset) -> None:
    plan = training.plan(blobs, TrainOptions(epochs=10, min_steps=0, learning_rate=0.2, warmup=0.2))
    rates = [plan.learning_rate(step) for step in range(plan.steps * plan.epochs)]
    top = int(np.argmax(rates))
    assert 0.15 < top / len(rates) < 0.25
    assert np.all(np.diff(rates[:top]) > 0)
    assert np.all(np.diff(rates[top:]) < 0)
    assert max(rates) == pytest.approx(0.2, rel=0.02)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_data_without_labels_or_images_is_refused(blobs: Dataset) -> None:
    with pytest.raises(DataError, match="no labelled training samples"):
        training.plan(dataclasses.replace(blobs, train=None), TrainOptions())
    table = Split({"x": np.zeros((4, 3), np.float32)}, np.array([0, 1, 0, 1]))
    with pytest.raises(DataError, match="has no images"):
        training.plan(Dataset("t", "", "", ("a", "b"), table, table), TrainOptions())
