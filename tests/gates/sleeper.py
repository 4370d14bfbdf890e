"""A runtime whose speed is written in the file: microseconds a call, and how many calls it takes to warm up."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact, Format, Precision, RuntimeSpec, Signature, TensorSpec
from converters.session import Session

RUNTIME = RuntimeSpec("sleeper", "gates.sleeper", (Format.ONNX,), "test", ())
SIGNATURE = Signature((TensorSpec("x", (1, 3), "float32"),), (TensorSpec("y", (1,), "float32"),))

opened: list[Sleeper] = []
"""Every session since the list was last cleared."""


def artifact(path: Path, micros: float, warm_up_calls: int = 0) -> Artifact:
    """A file that says how long a call takes."""
    path.write_text(json.dumps({"micros": micros, "warm_up_calls": warm_up_calls}))
    return Artifact(path, Format.ONNX, Precision.FP32, SIGNATURE, SIGNATURE)


class Sleeper(Session):
    """Works for as long as its file says, five times as long before it is warm."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        facts = json.loads(artifact.path.read_text())
        self.seconds, self.cold = facts["micros"] * 1e-6, facts["warm_up_calls"]
        self.calls, self.closed = 0, False

    def _call(self, inputs: Arrays) -> Arrays:
        self.calls += 1
        end = time.perf_counter() + self.seconds * (5 if self.calls <= self.cold else 1)
        while time.perf_counter() < end:
            pass
        return {"y": np.zeros(1, np.float32)}

    def close(self) -> None:
        self.closed = True


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """What the registry calls."""
    opened.append(Sleeper(artifact))
    return opened[-1]
