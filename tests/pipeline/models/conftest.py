"""Small stored data sets, and a way to train on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import datasets
from pipeline.datasets.dataset import Dataset, Split

SHORT: dict[str, Any] = {"epochs": 4, "batch_size": 64, "learning_rate": 0.1, "shift": 1, "min_steps": 0}
DIGITS_ARGS = {"height": 8, "width": 8, "channels": 1, "classes": 10, "width_multiplier": 0.5}


class Interrupted(Exception):
    """Stands for a kill in the middle of a training."""


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of the digits, stored."""
    folder = tmp_path_factory.mktemp("digits")
    data = datasets.load("digits")
    assert data.train is not None
    assert data.train.targets is not None
    few = Split({"image": data.train.inputs["image"][::3]}, data.train.targets[::3])
    Dataset("digits", data.licence, data.source, data.labels, few, data.test).save(folder)
    return folder


@pytest.fixture
def train(digits: Path, tmp_path: Path) -> Callable[..., Any]:
    """`train(trainer, builder, name, kill_after=None, **options)` -> (result, weights' bytes, events).

    `name` is the folder of the checkpoint; `kill_after` ends the training in the epoch after that one.
    """

    def run(trainer: Any, builder: str, name: str, kill_after: int | None = None, **options: Any) -> Any:
        events: list[dict[str, Any]] = []
        out = tmp_path / name / ("w.safetensors" if "torch" in builder else "w.weights.h5")

        def on_progress(event: dict[str, Any]) -> None:
            events.append(event)
            if kill_after is not None and event.get("epoch", 0) > kill_after:
                raise Interrupted

        arguments = (builder, DIGITS_ARGS, digits, {**SHORT, **options}, tmp_path / name / "checkpoint", out)
        try:
            result = trainer(*arguments, on_progress)
        except Interrupted:
            assert not out.exists()
            return None, b"", events
        return result, out.read_bytes(), events

    return run


@pytest.fixture
def blobs() -> Dataset:
    """Two classes of non-square images that any learner tells apart: dark and bright."""
    random = np.random.default_rng(0)
    targets = np.arange(40) % 2
    images = (random.integers(0, 60, (40, 9, 14, 3)) + targets[:, None, None, None] * 150).astype(np.uint8)
    return Dataset(
        "blobs", "", "", ("dark", "bright"), Split({"image": images}, targets), Split({"image": images}, targets)
    )


@pytest.fixture
def eager_accuracy(digits: Path, tmp_path: Path) -> Callable[..., float]:
    """`eager_accuracy(builder, framework, name)`: the accuracy of a written weights file."""

    def judge(builder: str, framework: str, name: str) -> float:
        from converters.eager import runtime
        from converters.weights import artifact
        from pipeline.datasets.samples import to_samples
        from pipeline.models.signature import reference_signature

        weights = tmp_path / name / ("w.safetensors" if framework == "torch" else "w.weights.h5")
        shape = {key: DIGITS_ARGS[key] for key in ("height", "width", "channels", "classes")}
        signature = reference_signature(framework, **shape)
        session = runtime.open(artifact(weights, builder, DIGITS_ARGS, framework, signature), "eager", 1)
        test = Dataset.open(digits).test
        logits = session.run_many(to_samples(test.inputs, signature.inputs))["logits"]
        return float((logits.reshape(len(test), -1).argmax(1) == test.targets).mean())

    return judge
