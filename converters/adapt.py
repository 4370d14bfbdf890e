"""Values between the source model's layout and dtype and a file's own: bound by name, moved by axis letters.

Numpy only. Quantization rounds half away from zero, as the reference QUANTIZE kernel of TensorFlow Lite does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from converters.contract import Arrays, TensorSpec
from converters.errors import ContractError, UnsupportedError
from converters.session import Session

Specs = Sequence[TensorSpec]


def to_file(
    inputs: Mapping[str, np.ndarray], source_specs: Specs, file_specs: Specs, *, stacked: bool = False
) -> Arrays:
    """The inputs of one call, or of stacked samples, as the file wants them, C-contiguous.

    Raises:
        ContractError: a name, shape or dtype that does not fit `source_specs`, or specs that do not fit each other.
    """
    return _adapt(inputs, source_specs, file_specs, "input", stacked=stacked)


def to_source(
    outputs: Mapping[str, np.ndarray], file_specs: Specs, source_specs: Specs, *, stacked: bool = False
) -> Arrays:
    """The outputs of one call, or of stacked samples, as the source model gives them: layout, dtype, real numbers.

    Raises:
        ContractError: a name, shape or dtype that does not fit `file_specs`, or specs that do not fit each other.
    """
    return _adapt(outputs, file_specs, source_specs, "output", stacked=stacked)


def run_many(session: Session, inputs: Mapping[str, np.ndarray]) -> Arrays:
    """The outputs of n calls, every array `(n, *shape)` in the source model's layout; adapted once for all samples.

    A stateful session is put back to its fresh state first.

    Raises:
        ContractError: no samples, unequal counts, or anything that does not fit the artifact's specs.
    """
    source, own = session.artifact.source, session.artifact.signature
    count = count_samples(inputs)
    names, stacks = _split(to_file(inputs, source.inputs, own.inputs, stacked=True))
    session.reset()
    outputs: Arrays = {}
    for i in range(count):
        result = session._call({name: stack[i, ...] for name, stack in zip(names, stacks, strict=True)})
        if i == 0:
            outputs = {name: np.empty((count, *value.shape), value.dtype) for name, value in result.items()}
        for name, stack in outputs.items():
            value = result.get(name)
            if value is None:
                raise ContractError(f"output {name!r} of sample {i} is missing")
            if value.shape != stack.shape[1:]:  # an assignment would broadcast a smaller one
                raise UnsupportedError(
                    f"output {name!r} is of shape {value.shape} for sample {i} and of {stack.shape[1:]} for the first: "
                    "a shape that depends on values cannot be compared here; pad the output to a fixed size"
                )
            stack[i] = value
    return _adapt(outputs, own.outputs, source.outputs, "output", stacked=True)


def time_calls(session: Session, inputs: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """Seconds of each of n calls, (n,) float64. Inputs are adapted before and cycled; outputs are read, each time."""
    source, own = session.artifact.source, session.artifact.signature
    count = count_samples(inputs)
    names, stacks = _split(to_file(inputs, source.inputs, own.inputs, stacked=True))
    samples = [{name: stack[i, ...] for name, stack in zip(names, stacks, strict=True)} for i in range(min(count, n))]
    seconds = np.empty(n, np.float64)
    call, clock = session._call, time.perf_counter_ns
    for i in range(n):
        sample = samples[i % len(samples)]
        start = clock()
        for output in call(sample).values():
            np.asarray(output)  # where a session gives one that is computed when it is read
        seconds[i] = (clock() - start) * 1e-9
    return seconds


def quantize(values: np.ndarray, scale: float, zero_point: int, dtype: str) -> np.ndarray:
    """Stored integers, round(values / scale) + zero_point, half away from zero, clipped to the range of `dtype`.

    Raises:
        ContractError: a value is not a number.
    """
    if np.isnan(values).any():
        raise ContractError("not-a-number values cannot be quantized")
    limits = np.iinfo(dtype)
    steps = np.divide(values, np.float32(scale), dtype=np.float32)
    np.clip(steps, limits.min - zero_point - 1, limits.max - zero_point + 1, out=steps)
    stored = np.trunc(steps)
    steps -= stored  # the fraction, exact: adding 0.5 to the value itself would round 0.49999997 up
    stored += np.trunc(2 * steps)
    stored += zero_point
    return np.clip(stored, limits.min, limits.max, out=stored).astype(dtype)


def dequantize(stored: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """Real numbers, scale * (stored - zero_point), float32."""
    return (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


def _adapt(values: Mapping[str, np.ndarray], given: Specs, wanted: Specs, side: str, *, stacked: bool) -> Arrays:
    """`values` checked against `given` and turned into what `wanted` says; in the order of `wanted`."""
    by_name = {spec.name: spec for spec in given}
    _same_names(side, by_name, {spec.name for spec in wanted}, "the file and its source model")
    _same_names(side, by_name, set(values), "the model and the values")
    return {spec.name: _convert(values[spec.name], by_name[spec.name], spec, side, stacked) for spec in wanted}


def _same_names(side: str, given: Mapping[str, TensorSpec], wanted: set[str], who: str) -> None:
    if set(given) != wanted:
        raise ContractError(f"{who} name different {side}s: {sorted(given)} and {sorted(wanted)}")


def _convert(values: np.ndarray, given: TensorSpec, wanted: TensorSpec, side: str, stacked: bool) -> np.ndarray:
    what = f"{side} {given.name!r}"
    shape = values.shape[1:] if stacked else values.shape
    if not _fits(shape, given.shape):
        raise ContractError(f"{what}: shape {shape} does not fit {given.shape}")
    if values.dtype != np.dtype(given.dtype):
        raise ContractError(f"{what}: dtype {values.dtype} is not {given.dtype}")
    order = _order(given, wanted, what)
    if not _fits(tuple(shape[axis] for axis in order), wanted.shape):
        raise ContractError(
            f"{what}: shape {shape} ({given.layout or 'no layout'}) does not become {wanted.shape} "
            f"({wanted.layout or 'no layout'})"
        )
    if order != tuple(range(len(order))):
        values = values.transpose((0, *(axis + 1 for axis in order)) if stacked else order)
    return np.ascontiguousarray(_retype(values, given, wanted, what)).reshape(values.shape)


def _fits(shape: tuple[int, ...], spec: tuple[int | None, ...]) -> bool:
    return len(shape) == len(spec) and all(want is None or have == want for have, want in zip(shape, spec, strict=True))


def _order(given: TensorSpec, wanted: TensorSpec, what: str) -> tuple[int, ...]:
    """For each axis of `wanted`, the axis of `given` that has its letter."""
    if given.layout == wanted.layout:
        return tuple(range(len(given.shape)))
    if not given.layout or not wanted.layout or sorted(given.layout) != sorted(wanted.layout):
        raise ContractError(f"{what}: nobody knows how layout {given.layout!r} becomes {wanted.layout!r}")
    return tuple(given.layout.index(letter) for letter in wanted.layout)


def _retype(values: np.ndarray, given: TensorSpec, wanted: TensorSpec, what: str) -> np.ndarray:
    """The same values by the dtype and quantization of `wanted`."""
    same = (given.dtype, given.scale, given.zero_point) == (wanted.dtype, wanted.scale, wanted.zero_point)
    if same:
        return values
    if given.scale is not None and given.zero_point is not None:
        values = dequantize(values, given.scale, given.zero_point)
    if wanted.scale is not None and wanted.zero_point is not None:
        try:
            return quantize(values, wanted.scale, wanted.zero_point, wanted.dtype)
        except ContractError as error:
            raise ContractError(f"{what}: {error}") from error
    target = np.dtype(wanted.dtype)
    if values.dtype == target:
        return values
    if values.dtype.kind == "f" and target.kind == "f":
        return values.astype(target)
    if values.dtype.kind in "iu" and target.kind in "iu":
        return _cast_integers(values, target, what)
    raise ContractError(f"{what}: {values.dtype} does not become {target} without a scale")


def _cast_integers(values: np.ndarray, target: np.dtype, what: str) -> np.ndarray:
    limits = np.iinfo(target)
    if values.size and (int(values.min()) < limits.min or int(values.max()) > limits.max):
        raise ContractError(f"{what}: values {values.min()}..{values.max()} do not fit {target}")
    return values.astype(target)


def count_samples(inputs: Mapping[str, np.ndarray]) -> int:
    """How many samples are stacked, the same for every input and more than none.

    Raises:
        ContractError: none, or unequal numbers.
    """
    counts = {name: len(value) if value.ndim else 0 for name, value in inputs.items()}
    if len(set(counts.values())) > 1:
        raise ContractError(f"inputs have different numbers of samples: {counts}")
    if not any(counts.values()):
        raise ContractError("no samples: nothing to run")
    return next(iter(counts.values()))


def _split(values: Arrays) -> tuple[list[str], list[np.ndarray]]:
    return list(values), list(values.values())
