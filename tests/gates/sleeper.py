"""A runtime whose speed is written in the file: microseconds a call, and how many calls it takes to warm up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact, Format, Precision, RuntimeSpec, Signature, TensorSpec
from converters.session import Session

RUNTIME = RuntimeSpec("sleeper", "gates.sleeper", (Format.ONNX,), "test", ())
SIGNATURE = Signature((TensorSpec("x", (1, 3), "float32"),), (TensorSpec("y", (1,), "float32"),))

RNG = np.random.default_rng(0)
"""Of all noise: a session stays fast or slow for life, and its calls differ."""

opened: list[Sleeper] = []
"""Every session since the list was last cleared."""


def artifact(
    path: Path, micros: float, warm_up_calls: int = 0, tick_micros: float = 1e-3, noise: float = 0
) -> Artifact:
    """A file that says how long a call takes, and how coarse the clock is."""
    path.write_text(
        json.dumps({"micros": micros, "warm_up_calls": warm_up_calls, "tick_micros": tick_micros, "noise": noise})
    )
    return Artifact(path, Format.ONNX, Precision.FP32, SIGNATURE, SIGNATURE)


class Sleeper(Session):
    """Says that it worked for as long as its file says, five times as long before it is warm."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        facts = json.loads(artifact.path.read_text())
        self.seconds, self.cold = facts["micros"] * 1e-6, facts["warm_up_calls"]
        self.noise, self.seconds = facts["noise"], self.seconds * float(np.exp(facts["noise"] * RNG.normal()))
        self.tick_s = facts["tick_micros"] * 1e-6
        self.calls, self.closed, self.now_s = 0, False, 0.0

    def _call(self, inputs: Arrays) -> Arrays:
        self.calls += 1
        return {"y": np.zeros(1, np.float32)}

    def time(self, inputs: Arrays, n: int) -> np.ndarray:
        """Seconds by a clock of its own, which no other program disturbs, and which may tick coarsely."""
        super().time(inputs, n)
        numbers = np.arange(self.calls - n, self.calls)
        ends = self.now_s + np.cumsum(self.seconds * np.where(numbers < self.cold, 5.0, 1.0) * self._jitter(n))
        told = np.floor(np.append(self.now_s, ends) / self.tick_s + 1e-6) * self.tick_s
        self.now_s = float(ends[-1])
        return np.diff(told)

    def _jitter(self, n: int) -> np.ndarray:
        """Skewed, as interruptions are; one call in ten is much slower."""
        return np.asarray(1 + self.noise * RNG.exponential(size=n) * np.where(RNG.random(n) < 0.1, 50, 1))

    def close(self) -> None:
        self.closed = True


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """What the registry calls."""
    opened.append(Sleeper(artifact))
    return opened[-1]
