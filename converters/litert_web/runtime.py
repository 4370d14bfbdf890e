"""TFLite files in a browser by LiteRT.js: `litert-web[wasm]`, `litert-web[webgpu]`."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters import adapt
from converters.contract import Arrays, Artifact, TensorSpec
from converters.device import split_name, threads_of
from converters.devices.chromium import PageError
from converters.errors import ContractError, UnsupportedError
from converters.litert import delegate
from converters.litert.flatbuffer import opened
from converters.litert.inspect import keeps_state
from converters.litert_web import words
from converters.litert_web.engine import engine
from converters.session import Session

WASM, WEBGPU = "wasm", "webgpu"
ON = {delegate.GPU: WEBGPU, delegate.CPU: WASM}
"""The delegate's names of places, as this runtime's."""
MESSAGE_BYTES = 64 * 2**20
"""Samples that need more go in several messages."""


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """A session in the browser.

    Raises:
        ModelError: the file is damaged.
        UnsupportedError: LiteRT.js refuses it; its own words say why.
        UnavailableError: no browser, or no LiteRT.js, is here.
    """
    with opened(artifact.path) as model:
        stateful = keeps_state(model)
    return WebSession(artifact, runtime, threads, stateful)


class WebSession(Session):
    """A model in a page, with its tensors bound by signature name."""

    def __init__(self, artifact: Artifact, runtime: str, threads: int, stateful: bool = False) -> None:
        super().__init__(artifact)
        self.runtime, self.stateful = runtime, stateful
        self.accelerator = WEBGPU if WEBGPU in split_name(runtime)[1] else WASM
        self.engine = engine(self.accelerator)
        self.page = self.engine.page(self.accelerator, threads_of(runtime, threads))
        self.id = next(self.engine.ids)
        self.details = self._open()
        for side, specs in (("inputs", artifact.signature.inputs), ("outputs", artifact.signature.outputs)):
            found = [tensor["name"] for tensor in self.details[side]]
            if sorted(found) != sorted(spec.name for spec in specs):
                raise ContractError(
                    f"{artifact.path.name} has the {side} {found} in LiteRT.js, not {[s.name for s in specs]}"
                )

    def _open(self) -> dict[str, Any]:
        address = self.engine.server.offer(self.artifact.path.read_bytes())
        try:
            details: dict[str, Any] = self.page.call("open", self.id, address, self.page.options)
            self.said = "\n".join(self.page.page.console())
        except PageError as error:
            raise self._refusal("open", error) from error
        finally:
            self.engine.server.take(address)
        self.page.models.add(self.id)
        return details

    def _refusal(self, what: str, error: PageError) -> UnsupportedError:
        said = words.in_short(str(error))
        what = f"{self.runtime} cannot {what} {self.artifact.path.name}: {said}"
        return UnsupportedError("; ".join(filter(None, (what, words.advice(said)))))

    def reset(self) -> None:
        """The model compiled anew where the file keeps state."""
        if self.stateful:
            self.close()
            self._open()

    def run_many(self, inputs: Arrays) -> Arrays:
        """As `Session.run_many`, in as few messages as fit."""
        source, own = self.artifact.source, self.artifact.signature
        stacks = adapt.to_file(inputs, source.inputs, own.inputs, stacked=True)
        count = adapt.count_samples(inputs)
        self.reset()
        size = sum(stack[0].nbytes for stack in stacks.values()) + sum(map(_size, own.outputs))
        step = max(MESSAGE_BYTES // max(size, 1), 1)
        parts = [
            self._run({name: stack[start : start + step] for name, stack in stacks.items()})
            for start in range(0, count, step)
        ]
        outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return adapt.to_source(outputs, own.outputs, source.outputs, stacked=True)

    def time(self, inputs: Arrays, n: int) -> np.ndarray:
        """Seconds of each of n calls by the page's own clock: tensors made, run, read and freed."""
        stacks = adapt.to_file(inputs, self.artifact.source.inputs, self.artifact.signature.inputs, stacked=True)
        address = self.page.send({name: stack[: max(n, 1)] for name, stack in stacks.items()})
        try:
            spent = self.page.call("time", self.id, address, n)
        except PageError as error:
            raise self._refusal("run", error) from error
        finally:
            self.engine.server.take(address)
        return np.asarray(spent, np.float64) * 1e-3

    def placement(self) -> list[tuple[str, str]]:
        """Each operator with `webgpu`, or with `wasm` where that left it; empty for wasm, which has no other place."""
        if self.accelerator == WASM:
            return []
        with opened(self.artifact.path) as model:
            rows = delegate.placed(model, delegate.messages(self.said))
        return [(row.type, ON.get(row.device, row.device)) for row in rows]

    def close(self) -> None:
        """Frees the model."""
        if self.engine.alive and self.id in self.page.models:
            self.page.models.discard(self.id)
            self.page.call("close", self.id)

    def _call(self, inputs: Arrays) -> Arrays:
        return {name: value[0] for name, value in self._run({n: v[None] for n, v in inputs.items()}).items()}

    def _run(self, stacks: Arrays) -> Arrays:
        address, answer = self.page.send(stacks), self.engine.server.expect()
        try:
            self.page.call("run", self.id, address, answer)
        except PageError as error:
            raise self._refusal("run", error) from error
        finally:
            self.engine.server.take(address)
        return self.page.receive(answer)


def _size(spec: TensorSpec) -> int:
    """Bytes of one call, a dynamic axis counted as one."""
    return int(np.prod([axis or 1 for axis in spec.shape], dtype=np.int64)) * np.dtype(spec.dtype).itemsize
