"""Recurrent state that a model takes in and gives out: which output goes back into which input, and calls in sequence.

Nothing in a file says it but the names: `state` and `stateN`, `h` and `hn`, `state_in` and `state_out`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from converters.contract import Arrays, Signature, TensorSpec
from converters.errors import ConfigError, UnsupportedError
from converters.session import Session

Carried = Mapping[str, str]
"""The input that an output goes back into in the next call, by the output's name."""
Ranges = Mapping[str, tuple[float, float]]
STEPS = 32
"""Calls of a sequence: then the state begins anew, as zeros."""
_STATES = frozenset(
    (
        *("state", "states", "hidden", "cell", "carry", "recurrent", "rnn", "lstm", "gru", "h", "c", "r", "s"),
        *("mem", "memory", "cache", "context", "ctx", "buffer", "buf"),
    )
)
_SIDES = frozenset(
    (
        *("in", "out", "input", "output", "i", "o", "prev", "previous", "past", "old", "initial", "init"),
        *("new", "next", "n", "x", "t", "present", "last", "final", "current", "cur"),
    )
)
"""What a name says of before and after."""
_UNNAMED = frozenset(("output", "identity", "stateful", "partitioned", "call", "result"))
_SHORT = re.compile(r"([hcrs])[nxt]")
"""`hn`, `cx`: a letter for the state and one for the side."""


def pairs(signature: Signature, said: Carried | None = None) -> dict[str, str]:
    """Which outputs of a source model are the state of its next call.

    Those that the user `said`, else inputs named like a state, each with the output of its shape and type that has the
    same name but for what says before and after; outputs without a name of their own in their order. None where no
    input or no output would be left: that is a model of images, not one with state.

    Raises:
        ConfigError: what the user said names a tensor that is not there, or two that do not fit.
    """
    if said:
        return _checked(signature, said)
    found: dict[str, str] = {}
    states = [spec for spec in signature.inputs if _STATES & set(_words(spec.name))]
    for numbered in (True, False):
        for spec in states:
            like = [
                other
                for other in signature.outputs
                if other.name not in found and _fit(other, spec) and _core(other, numbered) == _core(spec, numbered)
            ]
            if spec.name not in found.values() and len(like) == 1:
                found[like[0].name] = spec.name
    left = [spec for spec in states if spec.name not in found.values()]
    unnamed = [spec for spec in signature.outputs if spec.name not in found and _unnamed(spec)]
    for spec in left:
        alike = [other for other in left if _fit(other, spec)]
        fit = [other for other in unnamed if _fit(other, spec)]
        if len(fit) == len(alike):
            found[fit[alike.index(spec)].name] = spec.name
    whole = len(found) in (len(signature.inputs), len(signature.outputs))
    return {} if whole else found


def run_carried(
    session: Session,
    inputs: Arrays,
    carried: Carried,
    steps: int = STEPS,
    ranges: Ranges | None = None,
    shake: float = 0.0,
) -> Arrays:
    """The outputs (n, *shape) of n calls whose state is what the call before gave, zeros in every `steps`-th.

    What is not a number goes back as 0: it is seen where it came out.

    Args:
        session: the model.
        inputs: (n, *shape) by name, in the source model's layout; values of carried inputs are not used.
        carried: as of `pairs`.
        steps: calls of a sequence.
        ranges: least and greatest value by the name of an input, which is rounded to 8 bits in between on its way in.
        shake: share of its greatest value by which each float that goes in is moved at most, as kernels round.

    Raises:
        UnsupportedError: an output changes its shape from call to call, or does not fit the input that it goes into.
    """
    rows: list[Arrays] = []
    random = np.random.default_rng(0)
    fresh = {name: np.zeros_like(inputs[name][0]) for name in carried.values()}
    count = len(next(iter(inputs.values())))
    for place in range(count):
        if place % steps == 0:
            session.reset()
            state = fresh
        call = {name: values[place, ...] for name, values in inputs.items()} | state
        call = {name: _shaken(value, shake, random) for name, value in call.items()} if shake else call
        rows.append(session.run({name: in_8_bits(value, (ranges or {}).get(name)) for name, value in call.items()}))
        for output, name in carried.items():
            if rows[-1][output].shape != fresh[name].shape:
                raise UnsupportedError(
                    f"output {output!r} is {rows[-1][output].shape} and input {name!r} takes {fresh[name].shape}: it "
                    "cannot go back there"
                )
        state = {name: _finite(rows[-1][output], fresh[name]) for output, name in carried.items()}
    shapes = [{name: value.shape for name, value in row.items()} for row in rows]
    if any(each != shapes[0] for each in shapes):
        raise UnsupportedError("an output changes its shape from call to call, so that sequences cannot be compared")
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def states(inputs: Arrays, outputs: Arrays, carried: Carried, steps: int = STEPS) -> Arrays:
    """The values (n, *shape) that carried inputs had in `run_carried`, whose outputs are given."""
    found = {}
    for output, name in carried.items():
        before = np.concatenate([np.zeros_like(inputs[name][:1]), outputs[output][:-1].reshape(inputs[name][1:].shape)])
        before[::steps] = 0
        found[name] = before
    return found


def in_8_bits(values: np.ndarray, ends: tuple[float, float] | None) -> np.ndarray:
    """Floats rounded to 255 steps between two ends, 0 among them; all else, and without ends, as it is."""
    if ends is None or values.dtype.kind != "f":
        return values
    low, high = min(ends[0], 0.0), max(ends[1], 0.0)
    step = (high - low) / 255 or 1.0
    return (np.rint(np.clip(values, low, high) / step) * step).astype(values.dtype)


def _shaken(value: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    if value.dtype.kind != "f" or not value.size:
        return value
    return (value + share * np.abs(value).max() * random.random(value.shape)).astype(value.dtype)


def _finite(value: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A state that went out as it goes back in."""
    finite = np.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0) if value.dtype.kind == "f" else value
    return np.asarray(finite).astype(like.dtype)


def _checked(signature: Signature, said: Carried) -> dict[str, str]:
    outputs, inputs = ({spec.name: spec for spec in side} for side in (signature.outputs, signature.inputs))
    for output, name in said.items():
        for what, wanted, there in (("output", output, outputs), ("input", name, inputs)):
            if wanted not in there:
                raise ConfigError(f"[state]: the model has no {what} {wanted!r}; it has {', '.join(there)}")
        if not _fit(outputs[output], inputs[name]):
            raise ConfigError(
                f"[state]: output {output!r} is {_told(outputs[output])} and input {name!r} takes "
                f"{_told(inputs[name])}: it cannot go back there"
            )
    twice = sorted({name for name in said.values() if list(said.values()).count(name) > 1})
    if twice:
        raise ConfigError(f"[state]: input {twice[0]!r} is given two outputs; a state comes from one")
    return dict(said)


def _fit(output: TensorSpec, spec: TensorSpec) -> bool:
    if output.dtype != spec.dtype or len(output.shape) != len(spec.shape):
        return False
    return all(m is None or n is None or m == n for m, n in zip(output.shape, spec.shape, strict=True))


def _words(name: str) -> list[str]:
    """The parts of a name: `stateN` is state and n, `hn` is h and n, `r1i` is r, 1 and i."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name.partition(":")[0])
    words = [part.lower() for part in parts]
    return [letter for word in words for letter in (word if _SHORT.fullmatch(word) else (word,))]


def _core(spec: TensorSpec, numbered: bool) -> tuple[str, ...]:
    """A name without what says before and after, or its numbers."""
    return tuple(word for word in _words(spec.name) if word not in _SIDES and (numbered or not word.isdigit()))


def _unnamed(spec: TensorSpec) -> bool:
    return all(word in _UNNAMED or word.isdigit() for word in _words(spec.name))


def _told(spec: TensorSpec) -> str:
    return f"{'x'.join('?' if size is None else str(size) for size in spec.shape) or 'scalar'} {spec.dtype}"
