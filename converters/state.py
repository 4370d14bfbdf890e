"""How a model behaves that nobody describes: whether it keeps state, draws random numbers, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from converters import adapt
from converters.contract import Arrays
from converters.errors import EdgeExportError, ToolkitError, UnsupportedError
from converters.session import Session
from converters.words import last_words

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Probe:
    """What a few calls told. Where `error` says why the model did not take the inputs, nothing else is known.

    `stateful`: the same samples give other outputs when they come a second time in one session, or the file says that
    it keeps state. `random`: they do in a second fresh session, so that nothing can be compared. `moves`: every output
    follows the samples. `call_s` is of a warm call.
    """

    error: str = ""
    stateful: bool = False
    random: bool = False
    finite: bool = False
    moves: bool = False
    shapes: dict[str, Shape] = field(default_factory=dict)
    call_s: float = 0.0

    @property
    def steady(self) -> bool:
        """Whether outputs may be compared: the model took the inputs and draws no random numbers."""
        return not self.error and not self.random


def probe(fresh: Callable[[], Session], inputs: Arrays, *, unsized: bool = False) -> Probe:
    """What a model does with stacked samples, (n, *shape) by name, two or more; called three times with each.

    Args:
        fresh: opens a session that has seen nothing.
        inputs: in the layout of the artifact's source.
        unsized: the file leaves sizes open, so that one which cannot be opened may be refusing those of `inputs`.

    Raises:
        EdgeExportError: the file cannot be opened at all.
    """
    try:
        session = fresh()
    except ToolkitError as error:
        if not unsized or isinstance(error, UnsupportedError):
            raise
        return Probe(error=str(error))
    try:
        return _probe(session, fresh, inputs)
    finally:
        session.close()


def _probe(session: Session, fresh: Callable[[], Session], inputs: Arrays) -> Probe:
    try:
        first = calls(session, inputs)
    except Exception as error:  # the refusal of these inputs, in the toolkit's own words
        return Probe(error=str(error) if isinstance(error, EdgeExportError) else last_words(error))
    start = time.perf_counter()
    again = calls(session, inputs)
    call_s = (time.perf_counter() - start) / len(again)
    second = fresh()
    anew = calls(second, inputs)
    second.close()
    shapes = {name: value.shape for name, value in first[0].items()}
    if any({name: value.shape for name, value in sample.items()} != shapes for sample in first):
        return Probe(error="the shapes of the outputs depend on the values of the inputs")
    if not all(value.size for value in first[0].values()):
        return Probe(error=f"an output is empty: {_sizes(shapes)}")
    chance = not _equal(first, anew)
    return Probe(
        stateful=session.stateful or (not chance and not _equal(first, again)),
        random=chance,
        finite=all(bool(np.isfinite(v).all()) for out in first for v in out.values() if v.dtype.kind in "fc"),
        moves=all(any(not _same(out[name], first[0][name]) for out in first[1:]) for name in shapes),
        shapes=shapes,
        call_s=call_s,
    )


def calls(session: Session, inputs: Arrays) -> list[Arrays]:
    """The file's own outputs for each sample, in order, whatever their shapes; the session is not put back."""
    source, own = session.artifact.source, session.artifact.signature
    stacked = adapt.to_file(inputs, source.inputs, own.inputs, stacked=True)
    count = len(next(iter(stacked.values())))
    return [session._call({name: stack[i, ...] for name, stack in stacked.items()}) for i in range(count)]


def _equal(some: list[Arrays], others: list[Arrays]) -> bool:
    return all(_same(a[name], b[name]) for a, b in zip(some, others, strict=True) for name in a)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def _sizes(shapes: dict[str, Shape]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
