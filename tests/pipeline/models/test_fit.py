from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.contract import Arrays
from converters.errors import DiskFullError, ToolkitError
from pipeline.datasets.dataset import Dataset
from pipeline.models.fit import CHECKPOINT, fit

OPTIONS = {"epochs": 6, "min_steps": 0, "validation": 0.25, "patience": 1.0}


class FakeLearner:
    """Its one weight counts steps; its loss on held out samples follows `script`, one number an epoch."""

    def __init__(self, script: list[float], steps_per_epoch: int = 3) -> None:
        self.script, self.steps, self.per_epoch = script, np.zeros(1), steps_per_epoch
        self.rates: list[float] = []

    def step(self, images: np.ndarray, targets: np.ndarray, rate: float) -> tuple[float, int]:
        self.steps = self.steps + 1
        self.rates.append(rate)
        return 1.0, len(images)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Both logits so far apart that the mean loss over the balanced classes is the scripted one."""
        loss = self.script[int(self.steps[0]) // self.per_epoch - 1]
        gap = math.log(4 * math.exp(2 * loss) - 4) if loss > math.log(2) else 0.0
        return np.tile([gap / 2, -gap / 2], (len(images), 1))

    def weights(self) -> Arrays:
        return {"steps": self.steps.copy()}

    def optimizer(self) -> Arrays:
        return {"momentum": self.steps * 10}

    def restore(self, weights: Arrays, optimizer: Arrays | None) -> None:
        self.steps = weights["steps"].copy()
        if optimizer is not None:
            assert optimizer["momentum"][0] == self.steps[0] * 10

    def write(self, path: Path) -> None:
        path.write_text(str(int(self.steps[0])))


@pytest.fixture
def stored(blobs: Dataset, tmp_path: Path) -> Path:
    blobs.save(tmp_path / "data")
    return tmp_path / "data"


def run(stored: Path, learner: Any, recipe: str = "r", on_progress: Any = None, **options: Any) -> dict[str, Any]:
    folder = stored.parent
    quiet = on_progress or (lambda event: None)
    return fit(
        learner, stored, {**OPTIONS, **options}, {"recipe": recipe}, folder / "checkpoint", folder / "out", quiet
    )


def test_the_best_epoch_is_kept(stored: Path) -> None:
    result = run(stored, FakeLearner([3, 2, 1, 2, 3, 4]))
    assert (result["best_epoch"], result["epochs"], (stored.parent / "out").read_text()) == (3, 6, "9")


def test_it_stops_when_nothing_improves(stored: Path) -> None:
    result = run(stored, FakeLearner([3, 2, 4, 4, 4, 4]), patience=0.34)
    assert (result["best_epoch"], result["epochs"], result["samples"]) == (2, 5, 5 * 3 * 8)


def test_progress_counts_from_one_and_ends_each_epoch(stored: Path) -> None:
    events: list[dict[str, Any]] = []
    run(stored, FakeLearner([1] * 6), on_progress=events.append)
    ends = [(event["epoch"], event["step"]) for event in events if event["step"] == event["steps"]]
    assert ends == [(epoch, 3) for epoch in range(1, 7)]
    assert set(events[0]) == {"epoch", "epochs", "step", "steps", "loss", "accuracy"}
    assert all(event["accuracy"] == 1.0 for event in events)


class Killed(Exception):
    pass


def kill_in(epoch: int) -> Any:
    def on_progress(event: dict[str, Any]) -> None:
        if event["epoch"] == epoch:
            raise Killed

    return on_progress


def test_an_interrupted_training_goes_on_where_it_was(stored: Path) -> None:
    script, whole = [3.0, 2, 1, 2, 3, 4], FakeLearner([3.0, 2, 1, 2, 3, 4])
    run(stored, whole)
    with pytest.raises(Killed):
        run(stored, FakeLearner(script), on_progress=kill_in(5))
    rest = FakeLearner(script)
    result = run(stored, rest)
    assert (result["resumed_after_epoch"], result["best_epoch"], (stored.parent / "out").read_text()) == (4, 3, "9")
    assert rest.rates == whole.rates[12:]


def test_a_finished_training_leaves_no_checkpoint(stored: Path) -> None:
    run(stored, FakeLearner([1] * 6))
    assert sorted(path.name for path in stored.parent.iterdir()) == ["checkpoint", "data", "out"]
    assert not list((stored.parent / "checkpoint").iterdir())


@pytest.mark.parametrize("trouble", ["damaged", "other recipe", "other options", "other data"])
def test_a_checkpoint_that_does_not_fit_is_said_and_left(stored: Path, blobs: Dataset, trouble: str) -> None:
    with pytest.raises(Killed):
        run(stored, FakeLearner([3] * 6), on_progress=kill_in(3))
    file = stored.parent / "checkpoint" / CHECKPOINT
    if trouble == "damaged":
        file.write_bytes(file.read_bytes()[:-7])
    if trouble == "other data":
        blobs.test.inputs["image"][0] += 1
        blobs.save(stored)
    events: list[dict[str, Any]] = []
    options = {"learning_rate": 0.1} if trouble == "other options" else {}
    recipe = "s" if trouble == "other recipe" else "r"
    result = run(stored, FakeLearner([3] * 6), recipe, events.append, **options)
    assert "training starts again from the first epoch" in events[0]["warning"]
    assert (result["resumed_after_epoch"], events[1]["epoch"]) == (0, 1)


def test_a_diverging_training_says_so(stored: Path) -> None:
    class Diverging(FakeLearner):
        def step(self, images: np.ndarray, targets: np.ndarray, rate: float) -> tuple[float, int]:
            return float("nan"), 0

    with pytest.raises(ToolkitError, match=r"diverged: the loss is nan in epoch 1, step 1; lower learning_rate"):
        run(stored, Diverging([1]))


def test_a_full_disk_leaves_no_half_written_weights(stored: Path) -> None:
    class Full(FakeLearner):
        def write(self, path: Path) -> None:
            path.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(DiskFullError, match="no space is left"):
        run(stored, Full([1] * 6))
    assert sorted(path.name for path in stored.parent.iterdir()) == ["checkpoint", "data"]


def test_without_held_out_samples_the_training_loss_chooses(stored: Path) -> None:
    result = run(stored, FakeLearner([1] * 6, steps_per_epoch=5), validation=0.0)
    assert (result["validation_accuracy"], result["best_epoch"]) == (None, 1)
