"""A source model called with many samples at a time, the values inside it seen, and gradients taken of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from converters import source
from converters.calling import flatten, invoke_keras, invoke_torch
from converters.contract import Arrays, Artifact, Framework
from converters.eager.watch import READS, Ran, Seen, unheard, watch_keras, watch_torch
from converters.reach import Recorder, looked_at

BATCH, TRIED = 64, 6
"""Samples a call, and those that are tried to see whether a call may hold more than one."""
MEAN_SHARE = 0.1
"""Of a channel's mean in what a sample climbs to, beside its greatest value: a slope where the greatest has none."""
BATCH_BYTES = 256 << 20
"""Of all values that one call computes: a large model takes fewer samples at a time."""
Goals = np.ndarray
"""(n, 3) integers, a row for each sample: number of the watched value, channel looked at, 1 (up) or -1 (down)."""


class Caller:
    """A loaded source model of either framework."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact, self.model = artifact, source.load(artifact)
        self.names = [spec.name for spec in artifact.source.inputs]
        specs = (*artifact.source.inputs, *artifact.source.outputs)
        self.batched = all(spec.shape[:1] in ((None,), (1,)) for spec in specs)
        self.size = 1  # samples a call
        self.framework: _Torch | _Keras = _Torch() if source.framework(artifact) is Framework.TORCH else _Keras()

    def calls(self, stacked: Arrays) -> Iterator[Arrays]:
        """The samples in calls: (b, *shape without its batch axis), or (1, *shape) where there is no such axis."""
        count = len(next(iter(stacked.values())))
        flat = {name: values[:, 0] for name, values in stacked.items()} if self.batched else stacked
        tried = np.linspace(0, count - 1, min(count, TRIED)).astype(np.int64)
        size = self._fitting({name: values[tried] for name, values in flat.items()}) if self.batched else 1
        self.size = size
        for start in range(0, count, size):
            yield {name: values[start : start + size] for name, values in flat.items()}

    def stacked(self, values: np.ndarray) -> np.ndarray:
        """(n, *shape) again."""
        return values[:, np.newaxis] if self.batched else values

    def _fitting(self, few: Arrays) -> int:
        """How many samples of a call give what they give alone, within memory."""
        count, recorder = len(few[self.names[0]]), Recorder()
        singles = [{name: values[i : i + 1] for name, values in few.items()} for i in range(count)]
        try:
            alone = [self.watched(singles[0], recorder), *map(self.run, singles[1:])]
            together = self.run(few)
        except Exception:  # a batch of 1 is written into the model
            return 1
        for each, many in enumerate(together):
            single = [outputs[each] for outputs in alone]
            if {part.shape for part in single} != {(1, *many.shape[1:])} or len(many) != count:
                return 1
            if not np.allclose(many, np.concatenate(single), rtol=1e-3, atol=1e-4, equal_nan=True):
                return 1
        recorder.end_of_call(1)
        reach = recorder.reach(np.ones(1, dtype=bool))
        asked = any(value.op in READS for value in reach.watched)  # a branch for all of a call
        return 1 if asked else int(np.clip(BATCH_BYTES // max(4 * reach.work, 1), 1, BATCH))

    def run(self, call: Arrays) -> list[np.ndarray]:
        """The outputs of a call."""
        with self.framework.quiet():
            return self._outputs(self._invoke(self._tensors(call)))

    def watched(self, call: Arrays, recorder: Recorder) -> list[np.ndarray]:
        """The outputs of a call; the recorder is told of every value inside."""
        samples = len(next(iter(call.values())))
        known: dict[int, tuple[np.ndarray, np.ndarray, int]] = {}

        def seen(layer: str, op: str, value: Any, axis: int, at: tuple[float, ...]) -> None:
            key = self.framework.key(value)
            if not at or key not in known:  # what is given was seen when it was made; what is made may lie in its place
                shape, axis = self._shape(value, axis, samples)
                if not shape:
                    return
                known[key] = *_ends(self.framework.array(value).reshape(shape), axis), math.prod(shape[1:])
            recorder.add(layer, op, *known[key], at)

        tensors = self._tensors(call)
        with self.framework.quiet():
            with self._watch(tensors, seen, recorder.multiplied):
                outputs = self._invoke(tensors)
            self._end(outputs, seen)
            return self._outputs(outputs)

    def slopes(self, call: Arrays, moving: list[str], goals: Goals) -> Arrays:
        """For each sample of a call the gradients, by input, of the limit that it climbs to."""
        samples, number = len(next(iter(call.values()))), 0
        climbed: list[Any] = []
        slopes: list[np.ndarray] = []

        def seen(layer: str, op: str, value: Any, axis: int, at: tuple[float, ...]) -> None:
            nonlocal number
            shape, axis = self._shape(value, axis, samples)
            if not shape:
                return
            mine = np.flatnonzero(goals[:, 0] == number)
            number += 1
            if len(mine) and self.framework.floating(value):
                held = self.framework.held(value)
                climbed.append(held)
                slopes.append(_upwards(self.framework.array(held).reshape(shape), axis, mine, goals[mine]))

        tensors = self._tensors(call)
        wanted = [tensors[self.names.index(name)] for name in moving]
        with self.framework.differentiable(wanted) as gradients:
            with self._watch(tensors, seen, unheard):
                outputs = self._invoke(tensors)
            self._end(outputs, seen)
            found = gradients(climbed, slopes) if climbed else []
        by_name = {name: slope for name, slope in zip(moving, found, strict=False) if slope is not None}
        flat = {name: np.nan_to_num(by_name.get(name, np.zeros_like(call[name]))) for name in moving}
        return {name: slope.reshape(call[name].shape) for name, slope in flat.items()}

    def _end(self, outputs: Any, seen: Seen) -> None:
        """Tells of the outputs too: some models show nothing else."""
        for name, value in flatten(outputs).items():
            if hasattr(value, "dtype") and self.framework.floating(value):
                seen("output", name, value, -1, ())

    def _shape(self, value: Any, axis: int, samples: int) -> tuple[list[int], int]:
        """A value's (samples, ...) with one axis of channels, and which that is; empty where there are no samples."""
        shape = [int(size) for size in value.shape]
        if not self.batched:
            axis, shape = axis + (axis >= 0), [1, *shape]
        if not shape or shape[0] != samples or 0 in shape:
            return [], 0
        shape += [1] * (2 - len(shape))
        return shape, axis % len(shape) if len(shape) > 2 else 1

    def _watch(self, tensors: list[Any], seen: Seen, ran: Ran) -> contextlib.AbstractContextManager[None]:
        return self.framework.watch(self.model, tensors, _deaf_to_itself(seen), ran)

    def _tensors(self, call: Arrays) -> list[Any]:
        """The inputs of a call, without the axis of samples where the model knows none."""
        return [self.framework.tensor(call[name] if self.batched else call[name][0]) for name in self.names]

    def _invoke(self, tensors: list[Any]) -> Any:
        return self.framework.invoke(self.model, self.names, tensors)

    def _outputs(self, outputs: Any) -> list[np.ndarray]:
        arrays = [self.framework.array(value) for value in flatten(outputs).values()]
        return arrays if self.batched else [array[np.newaxis] for array in arrays]


class _Torch:
    """What of a call is torch's own. One thread: the same sums in the same order, every time."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch = torch
        self.watch, self.invoke, self.key = watch_torch, invoke_torch, id

    def tensor(self, values: np.ndarray) -> Any:
        return self.torch.from_numpy(np.array(values))

    def array(self, value: Any) -> np.ndarray:
        return np.asarray(value.detach() if isinstance(value, self.torch.Tensor) else value)

    def quiet(self) -> contextlib.AbstractContextManager[Any]:
        return self.torch.no_grad()

    def floating(self, value: Any) -> bool:
        return bool(value.is_floating_point())

    def held(self, value: Any) -> Any:
        return value.clone()  # work in place spoils nothing

    @contextlib.contextmanager
    def differentiable(self, wanted: list[Any]) -> Iterator[Any]:
        def gradients(values: list[Any], slopes: list[np.ndarray]) -> list[np.ndarray | None]:
            start = [value.new_tensor(slope).reshape(value.shape) for value, slope in zip(values, slopes, strict=True)]
            able = [place for place, value in enumerate(values) if value.requires_grad]
            if not able:
                return []
            ends, starts = ([row[place] for place in able] for row in (values, start))
            found = self.torch.autograd.grad(ends, wanted, starts, allow_unused=True)
            return [None if slope is None else slope.numpy() for slope in found]

        for tensor in wanted:
            tensor.requires_grad_(True)
        with self.torch.enable_grad():
            yield gradients


class _Keras:
    """What of a call is TensorFlow's own."""

    def __init__(self) -> None:
        import tensorflow as tf

        self.tf = tf
        self.invoke = invoke_keras

    def watch(self, model: Any, tensors: list[Any], seen: Seen, ran: Ran) -> contextlib.AbstractContextManager[None]:
        return watch_keras(tensors, seen, ran)

    def key(self, value: Any) -> int:
        return int(value._id)

    def tensor(self, values: np.ndarray) -> Any:
        return self.tf.constant(values)

    def array(self, value: Any) -> np.ndarray:
        return np.asarray(value)

    def quiet(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def floating(self, value: Any) -> bool:
        return bool(value.dtype.is_floating)

    def held(self, value: Any) -> Any:
        return value

    @contextlib.contextmanager
    def differentiable(self, wanted: list[Any]) -> Iterator[Any]:
        with self.tf.GradientTape() as tape:
            tape.watch(wanted)

            def gradients(values: list[Any], slopes: list[np.ndarray]) -> list[np.ndarray | None]:
                pairs = zip(values, slopes, strict=True)
                start = [self.tf.reshape(self.tf.cast(slope, value.dtype), value.shape) for value, slope in pairs]
                found = tape.gradient(values, wanted, start)
                return [None if slope is None else np.asarray(slope) for slope in found]

            yield gradients


def _ends(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each sample in the channels looked at, (samples, channels) float32 each."""
    others = tuple(place for place in range(1, values.ndim) if place != axis)
    picked = looked_at(values.shape[axis])
    low, high = values.min(axis=others), values.max(axis=others)
    return low[:, picked].astype(np.float32), high[:, picked].astype(np.float32)


def _upwards(values: np.ndarray, axis: int, samples: np.ndarray, goals: Goals) -> np.ndarray:
    """The slope of what is climbed to by the values, of their shape: 1 at the limit of the channel, a little beside."""
    slope = np.zeros(values.shape, np.float32)
    channels = looked_at(values.shape[axis])
    for sample, (_, channel, sign) in zip(samples, goals, strict=True):
        place = (sample, *[slice(None)] * (axis - 1), channels[min(channel, len(channels) - 1)], ...)
        line = slope[place]  # a view
        limit = np.unravel_index(int(np.argmax(sign * values[place])), line.shape)
        line += sign * MEAN_SHARE / max(line.size, 1)
        line[limit] += sign
    return slope


def _deaf_to_itself(seen: Seen) -> Seen:
    """`seen`, not told of what it computes itself."""
    busy = False

    def heard(*told: Any) -> None:
        nonlocal busy
        if not busy:
            busy = True
            try:
                seen(*told)
            finally:
                busy = False

    return heard
