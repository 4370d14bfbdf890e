"""RNN, GRU and LSTM written out step by step, for sequences of known length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads

LONGEST = 128
_PLAIN = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


def recurrent(build: Build, node: onnx.NodeProto) -> list[str]:
    """The steps of every direction, one after another."""
    given = attributes(node)
    by_batch = bool(given.get("layout", 0))
    x = build.transpose(node.input[0], [1, 0, 2]) if by_batch else node.input[0]
    sizes = build.shape(node.input[0])
    steps, count = (sizes[1], sizes[0]) if by_batch else (sizes[0], sizes[1])
    if steps > LONGEST:
        raise LeaveError(f"{steps} steps are too many to be written out")
    lengths = build.value(reads(node, 4)) if reads(node, 4) else None
    if reads(node, 4) and (lengths is None or (lengths != steps).any()):
        raise LeaveError("its sequences have lengths of their own")
    directions = {"forward": [False], "reverse": [True]}.get(given.get("direction", "forward"), [False, True])
    frames = [build.squeeze(build.slice(x, [0], [step], [step + 1]), [0]) for step in range(steps)]
    cells = [_Cell(build, node, given, place, count, by_batch, len(directions)) for place in range(len(directions))]
    rows: list[list[str]] = []
    for cell, backwards in zip(cells, directions, strict=True):
        order = reversed(range(steps)) if backwards else range(steps)
        made = {step: cell.step(frames[step]) for step in order}
        rows.append([made[step] for step in range(steps)])
    return _gathered(build, node, rows, cells, by_batch)


def _gathered(
    build: Build, node: onnx.NodeProto, rows: list[list[str]], cells: list[_Cell], by_batch: bool
) -> list[str]:
    """Y (steps, directions, batch, hidden), then the last states (directions, batch, hidden)."""
    front = [1, 2] if by_batch else [0, 1]
    steps = []
    for each in zip(*rows, strict=True):
        wide = [build.unsqueeze(h, front) for h in each]
        steps.append(build.op("Concat", *wide, axis=front[1]) if len(wide) > 1 else wide[0])
    whole = build.op("Concat", *steps, axis=front[0]) if len(steps) > 1 else build.op("Identity", steps[0])
    made = [whole]
    for state in ("hidden", "memory")[: len(node.output) - 1]:
        wide = [build.unsqueeze(getattr(cell, state), [1 if by_batch else 0]) for cell in cells]
        made.append(build.op("Concat", *wide, axis=1 if by_batch else 0) if len(wide) > 1 else wide[0])
    return made


class _Cell:
    """One direction: its weights as matrices to multiply by, and its state."""

    def __init__(
        self, build: Build, node: onnx.NodeProto, given: Any, place: int, count: int, by_batch: bool, of: int
    ) -> None:
        self.build, self.kind, self.size = build, node.op_type, given["hidden_size"]
        self.like, self.clip = node.input[0], given.get("clip")
        self.after = bool(given.get("linear_before_reset", 0))
        self.coupled = bool(given.get("input_forget", 0))
        names = given.get("activations") or _PLAIN[self.kind] * of
        width = len(_PLAIN[self.kind])
        self.functions = [_function(build, _text(n), given) for n in names[place * width : (place + 1) * width]]
        self.inner = self._weights(node.input[1], place)
        self.outer = self._weights(node.input[2], place)
        bias = build.need(node.input[3], "bias")[place] if reads(node, 3) else None
        gates = self.inner[1]
        whole = bias if bias is not None else np.zeros(2 * gates * self.size)
        self.bias = whole[: gates * self.size].reshape(gates, -1), whole[gates * self.size :].reshape(gates, -1)
        self.hidden = self._state(reads(node, 5), place, count, by_batch)
        self.memory = self._state(reads(node, 6), place, count, by_batch) if self.kind == "LSTM" else ""
        holes = reads(node, 7)
        self.holes = build.need(holes, "peepholes")[place].reshape(3, -1) if holes else None

    def _weights(self, name: str, place: int) -> tuple[list[str], int]:
        weights = self.build.need(name, "weights")[place]
        parts = weights.reshape(-1, self.size, weights.shape[-1])
        return [self.build.constant(part.T) for part in parts], len(parts)

    def _state(self, name: str, place: int, count: int, by_batch: bool) -> str:
        build = self.build
        if not name:
            return build.like(np.zeros((count, self.size)), self.like)
        axis = 1 if by_batch else 0
        return build.squeeze(build.slice(name, [axis], [place], [place + 1]), [axis])

    def step(self, x: str) -> str:
        """The hidden state after one more frame (batch, input)."""
        self.hidden = {"RNN": self._rnn, "GRU": self._gru, "LSTM": self._lstm}[self.kind](x)
        return self.hidden

    def _sum(self, gate: int, x: str, hidden: str) -> str:
        build = self.build
        made = build.op(
            "Add", build.op("MatMul", x, self.inner[0][gate]), build.op("MatMul", hidden, self.outer[0][gate])
        )
        return build.op("Add", made, build.like(self.bias[0][gate] + self.bias[1][gate], self.like))

    def _cut(self, x: str) -> str:
        if self.clip is None:
            return x
        build = self.build
        return build.op("Min", build.op("Max", x, build.like(-self.clip, self.like)), build.like(self.clip, self.like))

    def _rnn(self, x: str) -> str:
        return self.functions[0](self._cut(self._sum(0, x, self.hidden)))

    def _gru(self, x: str) -> str:
        build = self.build
        update = self.functions[0](self._cut(self._sum(0, x, self.hidden)))
        reset = self.functions[0](self._cut(self._sum(1, x, self.hidden)))
        if self.after:
            inner = build.op("Add", build.op("MatMul", x, self.inner[0][2]), build.like(self.bias[0][2], self.like))
            outer = build.op("MatMul", self.hidden, self.outer[0][2])
            outer = build.op("Add", outer, build.like(self.bias[1][2], self.like))
            total = build.op("Add", inner, build.op("Mul", reset, outer))
        else:
            total = self._sum(2, x, build.op("Mul", reset, self.hidden))
        new = self.functions[1](self._cut(total))
        return build.op("Add", new, build.op("Mul", update, build.op("Sub", self.hidden, new)))

    def _lstm(self, x: str) -> str:
        build = self.build
        sums = [self._sum(gate, x, self.hidden) for gate in range(4)]  # input, output, forget, cell

        def looked(total: str, hole: int, memory: str) -> str:
            if self.holes is None:
                return total
            return build.op("Add", total, build.op("Mul", memory, build.like(self.holes[hole], self.like)))

        take = self.functions[0](self._cut(looked(sums[0], 0, self.memory)))
        if self.coupled:
            keep = build.op("Sub", build.like(1.0, self.like), take)
        else:
            keep = self.functions[0](self._cut(looked(sums[2], 2, self.memory)))
        new = self.functions[1](self._cut(sums[3]))
        self.memory = build.op("Add", build.op("Mul", keep, self.memory), build.op("Mul", take, new))
        show = self.functions[0](self._cut(looked(sums[1], 1, self.memory)))
        return build.op("Mul", show, self.functions[2](self.memory))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _function(build: Build, name: str, given: Any) -> Callable[[str], str]:
    if given.get("activation_alpha") or given.get("activation_beta") or name not in ("Sigmoid", "Tanh", "Relu"):
        raise LeaveError(f"activation {name} is not written out")
    return lambda x: build.op(name, x)
