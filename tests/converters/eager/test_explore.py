from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gates import explored
from safetensors.numpy import save_file
from tiny_models import MODELS

from converters.eager import explore
from converters.errors import UnsupportedError

LEGAL = {"image": (0.0, 255.0), "weight": (-2.0, 2.0), "vector": (-2.0, 2.0)}


def saved(folder: Path, inputs: dict[str, np.ndarray]) -> Path:
    save_file({f"in/{name}": np.ascontiguousarray(values) for name, values in inputs.items()}, folder / "s.safetensors")
    return folder / "s.safetensors"


@pytest.mark.torch
def test_unsteady_and_infinite_samples_are_not_usable(tmp_path: Path) -> None:
    model = explored.artifact(tmp_path)
    images = explored.photos(4)
    images[1] = 235.0  # at the threshold of the branch: a rounding decides
    images[2] = np.inf
    found = explore.survey(model, saved(tmp_path, {"image": images}), "in/", LEGAL, True)
    assert found.usable.tolist() == [True, False, False, True]


@pytest.mark.torch
def test_climbing_reaches_what_no_photo_does(tmp_path: Path) -> None:
    model = explored.artifact(tmp_path)
    images = explored.photos(16)
    before = explore.survey(model, saved(tmp_path, {"image": images}), "in/", LEGAL, False)
    relu6 = next(n for n, value in enumerate(before.watched) if value.thresholds == (0.0, 6.0))
    start = sum(value.channels for value in before.watched[:relu6])
    goals = np.array([[relu6, i % 8, 1 if i < 8 else -1] for i in range(16)])
    moved = explore.climb(model, saved(tmp_path, {"image": images}), "in/", LEGAL, 8, goals)
    assert moved["image"].shape == images.shape
    assert (moved["image"].min(), moved["image"].max()) == (0, 255)
    after = explore.survey(model, saved(tmp_path, moved), "in/", LEGAL, False)
    columns = np.arange(start, start + 8)
    assert (after.greatest[np.arange(8), columns] > before.greatest[:, columns].max(axis=0)).all()
    assert (after.least[np.arange(8, 16), columns] < before.least[:, columns].min(axis=0)).all()
    again = explore.climb(model, saved(tmp_path, {"image": images}), "in/", LEGAL, 8, goals)
    assert again["image"].tobytes() == moved["image"].tobytes()


@pytest.mark.tensorflow
def test_keras_models_are_climbed_too_and_integers_stay(tmp_path: Path) -> None:
    tiny = MODELS["keras_mixed"]
    inputs = tiny.inputs(6)
    goals = np.tile([0, 0, 1], (6, 1))
    moved = explore.climb(tiny.source(tmp_path), saved(tmp_path, inputs), "in/", LEGAL, 4, goals)
    np.testing.assert_array_equal(moved["token"], inputs["token"])
    assert moved["weight"].shape == inputs["weight"].shape


@pytest.mark.torch
def test_without_floats_there_is_nothing_to_climb(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no input is of floats"):
        explore.climb(
            explored.artifact(tmp_path),
            saved(tmp_path, {"x": np.zeros((2, 1), np.int32)}),
            "in/",
            {},
            2,
            np.zeros((2, 3)),
        )


@pytest.mark.torch
def test_a_model_that_runs_on_none_of_them(tmp_path: Path) -> None:
    images = np.zeros((3, 1, 5, 12, 16), np.float32)  # five channels
    with pytest.raises(UnsupportedError, match="the model does not run on these inputs: .*channels"):
        explore.survey(explored.artifact(tmp_path), saved(tmp_path, {"image": images}), "in/", LEGAL, False)
