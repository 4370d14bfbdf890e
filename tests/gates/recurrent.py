"""A model with state in plain numpy, which takes its state in and gives it out; faults are planted by its numbers.

stateN = keep * state + x W; y = stateN V.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact, Format, Precision, Signature, TensorSpec
from converters.session import Session

SIGNATURE = Signature(
    (TensorSpec("x", (1, 3), "float32"), TensorSpec("state", (1, 4), "float32")),
    (TensorSpec("y", (1, 2), "float32"), TensorSpec("stateN", (1, 4), "float32")),
)
CARRIED = {"stateN": "state"}
ARTIFACT = Artifact(Path("net"), Format.ONNX, Precision.FP32, SIGNATURE, SIGNATURE)
_RANDOM = np.random.default_rng(5)


@dataclass(frozen=True)
class Recurrent:
    """`keep` is what of a state is left; with a `step`, the state comes out rounded to a grid."""

    keep: float = 0.98
    gain: float = 1.0
    step: float = 0.0
    w: np.ndarray = dataclasses.field(default_factory=lambda: _RANDOM.standard_normal((3, 4)).astype(np.float32))
    v: np.ndarray = dataclasses.field(default_factory=lambda: _RANDOM.standard_normal((4, 2)).astype(np.float32))

    def __call__(self, inputs: Arrays) -> Arrays:
        """The outputs of one call, or of stacked ones."""
        state = np.float32(self.keep) * inputs["state"] + np.float32(self.gain) * inputs["x"] @ self.w
        if self.step:
            state = np.rint(state / self.step) * np.float32(self.step)
        return {"y": (state @ self.v).astype(np.float32), "stateN": state.astype(np.float32)}


class Fed(Session):
    """A session of one."""

    def __init__(self, net: Recurrent) -> None:
        super().__init__(ARTIFACT)
        self.net = net

    def _call(self, inputs: Arrays) -> Arrays:
        return self.net(inputs)


HONEST = Recurrent()


def samples(n: int = 96, seed: int = 0, size: float = 1.0) -> Arrays:
    """Inputs (n, 1, *shape); the states are drawn as the model's own come out."""
    random = np.random.default_rng(seed)
    x = size * random.standard_normal((n, 1, 3))
    return {"x": x.astype(np.float32), "state": (4 * random.standard_normal((n, 1, 4))).astype(np.float32)}
