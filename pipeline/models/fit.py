"""The training loop that both frameworks share: epochs, checkpoints, early stop, progress."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from converters.contract import Arrays
from converters.errors import ToolkitError
from pipeline.datasets.dataset import IMAGE, META, Dataset
from pipeline.models import checkpoint, training
from pipeline.store import digest, disk_errors, file_sha256

CHECKPOINT = "training.checkpoint"
_EVERY_S = 0.2  # the shortest time between two progress events
_BEST = "best/"
_NOW = "now/"

Progress = Callable[[dict[str, Any]], None]


class Learner(Protocol):
    """A model in training, in its framework."""

    def step(self, images: np.ndarray, targets: np.ndarray, rate: float) -> tuple[float, int]:
        """(mean loss, samples classified right) of one batch, (n, H, W, C) uint8, which the weights then learn from."""

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(n, classes) float32 of (n, H, W, C) uint8, in inference mode."""

    def weights(self) -> Arrays:
        """Every weight, batch statistics included."""

    def optimizer(self) -> Arrays:
        """What the optimizer remembers."""

    def restore(self, weights: Arrays, optimizer: Arrays | None) -> None:
        """Takes up what `weights` and `optimizer` gave."""

    def write(self, path: Path) -> None:
        """The weights file of the framework."""


@dataclass
class _State:
    """What must survive an interruption beside the weights."""

    epoch: int = 0  # finished epochs
    best_loss: float = math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    best: Arrays = field(default_factory=dict)


def fit(
    learner: Learner,
    data: Path,
    options: Mapping[str, Any],
    recipe: Mapping[str, Any],
    folder: Path,
    out: Path,
    on_progress: Progress,
) -> dict[str, Any]:
    """Trains a learner on a stored data set, writes its weights to `out` and returns what came of it.

    Args:
        learner: the model, freshly initialised.
        data: a folder that `Dataset.save` wrote.
        options: keys of `training.TrainOptions`.
        recipe: what else the weights depend on; a checkpoint of another recipe is not taken up.
        folder: where the checkpoint lies until the training is done.
        out: the weights file.
        on_progress: gets `{"epoch", "epochs", "step", "steps", "loss", "accuracy"}`, epochs and steps counted from
            1, and `{"warning"}`.

    Raises:
        ToolkitError: the loss became infinite or NaN.
    """
    dataset = Dataset.open(data)
    plan = training.plan(dataset, training.parse(options))
    key = digest([dict(recipe), vars(plan.options), file_sha256(data / META)])
    state = _resume(learner, folder / CHECKPOINT, key, on_progress)
    started_at, resumed = time.monotonic() - state.seconds, state.epoch
    patience = math.ceil(plan.options.patience * plan.epochs)
    while state.epoch < plan.epochs and state.epoch - state.best_epoch < patience:
        last = _epoch(learner, plan, state.epoch, on_progress)
        state.epoch += 1
        loss = _held_loss(learner, plan) if len(plan.held_targets) else last
        if loss < state.best_loss or not state.best:
            state.best_loss, state.best_epoch, state.best = loss, state.epoch, learner.weights()
        state.seconds = time.monotonic() - started_at
        _keep(learner, folder / CHECKPOINT, key, state)
    learner.restore(state.best, None)
    _write(learner, out)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return {
        "accuracy": _accuracy(learner, dataset.test.inputs[IMAGE], dataset.test.targets),
        "validation_accuracy": _accuracy(learner, plan.held_images, plan.held_targets),
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "resumed_after_epoch": resumed,
        "seconds": round(state.seconds, 1),
        "samples": state.epoch * plan.steps * plan.batch,
    }


def _resume(learner: Learner, path: Path, key: str, on_progress: Progress) -> _State:
    try:
        found = checkpoint.load(path)
        if found is None:
            return _State()
        arrays, state = found
        if state.pop("key", None) != key:
            raise checkpoint.CheckpointError(f"the checkpoint {path.name} belongs to other data or options")
    except checkpoint.CheckpointError as error:
        on_progress({"warning": f"{error}; training starts again from the first epoch"})
        path.unlink(missing_ok=True)
        return _State()
    parts: dict[str, Arrays] = {_BEST: {}, _NOW: {}, "optimizer/": {}}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        parts[f"{part}/"][rest] = array
    learner.restore(parts[_NOW], parts["optimizer/"])
    return _State(**state, best=parts[_BEST])


def _keep(learner: Learner, path: Path, key: str, state: _State) -> None:
    arrays = {_BEST + name: array for name, array in state.best.items()}
    arrays |= {_NOW + name: array for name, array in learner.weights().items()}
    arrays |= {f"optimizer/{name}": array for name, array in learner.optimizer().items()}
    facts = {name: value for name, value in vars(state).items() if name != "best"}
    checkpoint.save(path, arrays, {"key": key, **facts})


def _epoch(learner: Learner, plan: training.Plan, epoch: int, on_progress: Progress) -> float:
    """The mean loss of one epoch."""
    losses, right, spoke = 0.0, 0, 0.0
    for step, (images, targets) in enumerate(plan.batches(epoch)):
        loss, hits = learner.step(images, targets, plan.learning_rate(epoch * plan.steps + step))
        if not math.isfinite(loss):
            raise ToolkitError(
                f"training diverged: the loss is {loss} in epoch {epoch + 1}, step {step + 1}; "
                f"lower learning_rate (now {plan.options.learning_rate}) in the model's [training]"
            )
        losses, right = losses + loss, right + hits
        if time.monotonic() - spoke > _EVERY_S or step + 1 == plan.steps:
            spoke = time.monotonic()
            done = {"epoch": epoch + 1, "epochs": plan.epochs, "step": step + 1, "steps": plan.steps}
            on_progress({**done, "loss": losses / (step + 1), "accuracy": right / ((step + 1) * plan.batch)})
    return losses / plan.steps


def _held_loss(learner: Learner, plan: training.Plan) -> float:
    """Mean cross entropy of the held out samples, without smoothing."""
    logits = learner.logits(plan.held_images).astype(np.float64)
    logits -= logits.max(1, keepdims=True)
    right = logits[np.arange(len(logits)), plan.held_targets]
    return float((np.log(np.exp(logits).sum(1)) - right).mean())


def _accuracy(learner: Learner, images: np.ndarray, targets: np.ndarray | None) -> float | None:
    """The share classified right, 0..1; None where there is nothing to judge by."""
    if targets is None or not len(targets):
        return None
    return float((learner.logits(images).argmax(1) == targets).mean())


def _write(learner: Learner, out: Path) -> None:
    """Writes the weights under another name first: `out` is there whole or not at all."""
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(f".unfinished-{out.name}")
        try:
            learner.write(temporary)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
