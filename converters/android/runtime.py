"""Finished files on the app's own engines: `android-jvm[JVM]`. One process of the app for each set of samples."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from converters.android import jvm
from converters.contract import Arrays, Artifact, Format
from converters.litert.flatbuffer import opened
from converters.litert.inspect import keeps_state
from converters.session import Session

RUN_S = 600.0


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """A session whose samples the app runs.

    Raises:
        ModelError: the file is damaged.
    """
    stateful = False
    if artifact.format is Format.TFLITE:
        with opened(artifact.path) as model:
            stateful = keeps_state(model)
    return AppSession(artifact, threads, stateful)


class AppSession(Session):
    """Samples that go to the app's program in a file, and come back in one; it adapts layouts and types itself."""

    def __init__(self, artifact: Artifact, threads: int, stateful: bool) -> None:
        super().__init__(artifact)
        self.threads, self.stateful = threads, stateful

    def reset(self) -> None:
        """Nothing: each process starts from a fresh state."""

    def run_many(self, inputs: Arrays) -> Arrays:
        """As `Session.run_many`, in one process."""
        source, own = self.artifact.source, self.artifact.signature
        spec = {
            "path": str(self.artifact.path.resolve()),
            "format": self.artifact.format.value,
            "signature": dataclasses.asdict(own),
            "source_signature": dataclasses.asdict(source),
        }
        with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
            asked, samples, answer = (
                Path(folder) / name for name in ("spec.json", "in.safetensors", "out.safetensors")
            )
            asked.write_text(json.dumps(spec), encoding="utf-8")
            save_file({name: np.ascontiguousarray(values) for name, values in inputs.items()}, samples)
            jvm.ask("run", asked, RUN_S, samples=samples, out=answer, threads=self.threads)
            given = load_file(answer)
        return {spec.name: given[spec.name] for spec in source.outputs}

    def time(self, inputs: Arrays, n: int) -> np.ndarray:
        """Seconds of each of n calls, (n,), all alike: those of the process, which say nothing of a phone."""
        start = time.perf_counter()
        self.run_many({name: np.resize(values, (n, *values.shape[1:])) for name, values in inputs.items()})
        return np.full(n, (time.perf_counter() - start) / n)

    def _call(self, inputs: Arrays) -> Arrays:
        raise NotImplementedError("the app takes stacked samples: run_many")

    def run(self, inputs: Arrays) -> Arrays:
        """One call."""
        return {n: v[0] for n, v in self.run_many({name: value[None] for name, value in inputs.items()}).items()}
