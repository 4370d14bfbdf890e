"""Trains the PyTorch reference model; runs in a worker process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.builder import build
from converters.contract import Arrays, Framework
from pipeline.models import training
from pipeline.models.fit import fit

if TYPE_CHECKING:
    import torch

_CHUNK = 500  # samples of one call in inference
_ONE_THREAD_BELOW = 500_000  # pixels a batch: a second thread wins 1.2 x on an idle machine, loses 4 x on a busy one


def train(
    builder: str,
    builder_args: Mapping[str, Any],
    data: Path,
    options: Mapping[str, Any],
    checkpoint: Path,
    out: Path,
    on_progress: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Trains what a builder returns on a stored data set and writes its weights as .safetensors to `out`.

    `checkpoint` is a folder; an interrupted training is taken up from it and ends in the same bytes.

    Returns:
        `accuracy` (of the test split, 0..1), `validation_accuracy`, `epochs`, `best_epoch`, `seconds`, `samples`.
    """
    import torch

    before, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    parsed = training.parse(options)
    torch.use_deterministic_algorithms(True)
    if parsed.batch_size * builder_args["height"] * builder_args["width"] < _ONE_THREAD_BELOW:
        torch.set_num_threads(1)
    try:
        learner = TorchLearner(build(builder, builder_args, Framework.TORCH), parsed)
        recipe = {"builder": builder, "args": dict(builder_args), "torch": torch.__version__}
        return fit(learner, data, options, recipe, checkpoint, out, on_progress)
    finally:
        torch.use_deterministic_algorithms(before)
        torch.set_num_threads(threads)


class TorchLearner:
    """A module with its optimizer: SGD with Nesterov momentum; weights, not biases or norms, decay."""

    def __init__(self, module: torch.nn.Module, options: training.TrainOptions) -> None:
        import torch

        self.module = module
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # faster; its stubs do not know it
        self.smoothing = options.label_smoothing
        parameters = list(module.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        nesterov = options.momentum > 0
        self.sgd = torch.optim.SGD(groups, lr=options.learning_rate, momentum=options.momentum, nesterov=nesterov)

    def step(self, images: np.ndarray, targets: np.ndarray, rate: float) -> tuple[float, int]:
        """See `fit.Learner`."""
        import torch

        self.module.train()
        for group in self.sgd.param_groups:
            group["lr"] = rate
        logits, labels = self.module(_tensor(images)), torch.from_numpy(targets)
        loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)
        self.sgd.zero_grad()
        loss.backward()
        self.sgd.step()
        return loss.item(), int((logits.argmax(1) == labels).sum())

    def logits(self, images: np.ndarray) -> np.ndarray:
        """See `fit.Learner`."""
        import torch

        self.module.eval()
        with torch.inference_mode():
            parts = [self.module(_tensor(images[i : i + _CHUNK])).numpy() for i in range(0, len(images), _CHUNK)]
        return np.concatenate(parts)

    def weights(self) -> Arrays:
        """See `fit.Learner`."""
        return {name: _array(tensor) for name, tensor in self.module.state_dict().items()}

    def optimizer(self) -> Arrays:
        """See `fit.Learner`."""
        momenta = {n: self.sgd.state[p].get("momentum_buffer") for n, p in self.module.named_parameters()}
        return {name: _array(tensor) for name, tensor in momenta.items() if tensor is not None}

    def restore(self, weights: Arrays, optimizer: Arrays | None) -> None:
        """See `fit.Learner`."""
        import torch

        self.module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
        for name, parameter in self.module.named_parameters():
            if optimizer and name in optimizer:
                buffer = torch.empty_like(parameter).copy_(torch.from_numpy(optimizer[name].copy()))
                self.sgd.state[parameter]["momentum_buffer"] = buffer.detach()

    def write(self, path: Path) -> None:
        """See `fit.Learner`."""
        import safetensors.numpy

        safetensors.numpy.save_file(self.weights(), path)


def _tensor(images: np.ndarray) -> torch.Tensor:
    """(n, C, H, W) float32 with the memory order of (n, H, W, C)."""
    import torch

    return torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy(), order="C")
