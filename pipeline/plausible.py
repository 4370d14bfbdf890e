"""Which sizes and values the inputs of a stranger's model may take: proposals to be tried, the likeliest first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import prod

import numpy as np

from converters.contract import Arrays, Artifact, Signature, TensorSpec
from converters.errors import ModelError, ToolkitError, UnsupportedError, UsageError
from converters.inspection import WRONG_SHAPES, Inspection
from converters.names import unknown_input
from converters.state import Probe, Shape
from pipeline.golden_inputs import synthesise

SIZES = (64, 32, 48, 16, 8, 128, 96, 192, 224, 256, 320, 512, 576, 640, 1024, 4096, 16000, 1)
"""Of an open axis that is no batch: images and sequences that networks are built for; 1 last, it proves least."""

MOST_VALUES = 1 << 22
"""Of an input of a proposed size: more is no image or sequence that a phone takes, and gigabytes if axes multiply."""

Limits = tuple[float, float]
PIXELS, NEAR_ZERO, COUNTS = (-1.0, 1.0), (0.0, 1.0), (0.0, 255.0)
VALUES: tuple[tuple[Limits, Limits | None, Limits], ...] = (
    (PIXELS, None, COUNTS),
    (NEAR_ZERO, NEAR_ZERO, (0.0, 9.0)),
    (NEAR_ZERO, NEAR_ZERO, (0.0, 1.0)),
    (NEAR_ZERO, NEAR_ZERO, (1.0, 1.0)),
)
"""Limits of (images, other floats, integers) of which nobody said any; None is N(0, 1).

Publishers scale pixels to 0..1 or to -1..1. An integer may be a byte, an index into a short table, or a flag.
"""
_CHANNELS = (1, 3, 4)
PROBED, SEED = 3, 0
"""Samples that a probe runs three times each."""
Ask = Callable[[Artifact, Arrays], Probe]
"""Has a runtime take stacked samples, (n, *shape) by name."""


def proposals(artifact: Artifact) -> Iterator[tuple[tuple[TensorSpec, ...], ...]]:
    """For each choice of sizes, the inputs of `artifact.source` with one choice of limits to draw from after the other.

    What the file says comes first: a quantized input takes what its scale can store.

    Raises:
        UnsupportedError: no inputs, or inputs and outputs without elements or of a type that is not drawn or compared.
    """
    if not artifact.source.inputs:
        raise UnsupportedError(
            f"{artifact.path.name} does not say the sizes of what it takes (TorchScript of other tools does not), so "
            "that no inputs can be made up: say each argument (`inspect` names them) as in --input "
            "x:1x3x224x224:float32, a number as in --input sr=16000; or lay it beside a file that does: "
            f"edge-export compare RIGHT {artifact.path.name}"
        )
    specs = tuple(map(_limited, artifact.source.inputs, artifact.signature.inputs))
    for spec in specs:
        if np.dtype(spec.dtype).kind not in "fiub":
            raise UnsupportedError(f"input `{spec.name}` takes {spec.dtype}: no plausible values are known for that")
        if 0 in spec.shape:
            raise UnsupportedError(f"input `{spec.name}` is {spec.shape}: nothing goes in, so that nothing is proved")
    for spec in artifact.signature.outputs:
        if np.dtype(spec.dtype).kind not in "fiub":
            raise UnsupportedError(f"output `{spec.name}` gives {spec.dtype}: only real numbers are compared")
        if 0 in spec.shape:
            raise UnsupportedError(f"output `{spec.name}` is {spec.shape}: nothing comes out to be compared")
    for sized in dict.fromkeys(_sized(specs)):
        yield tuple(dict.fromkeys(tuple(_valued(spec, *values) for spec in sized) for values in VALUES))


def settled(artifact: Artifact, inputs: Sequence[TensorSpec], title: str = "", *, others: bool = False) -> Artifact:
    """The artifact, called by a title or by its file's name, with the sizes and limits that the user says it has.

    Of `others` only what fits is taken: they were said of the model that it is held against.

    Raises:
        UsageError: an input that it has not, of another type, or a size against what the file says.
    """
    title = title or artifact.path.name
    said = {spec.name: spec for spec in inputs}
    own = {spec.name: spec for spec in artifact.source.inputs}
    for name, spec in said.items():
        if name not in own:
            raise unknown_input(title, name, own)
        if constant(spec):
            said[name] = _of_type(spec, own[name], title)
            continue
        shape = own[name].shape
        fits = len(shape) == len(spec.shape) and all(n in (None, m) for n, m in zip(shape, spec.shape, strict=True))
        fits = fits and spec.dtype == own[name].dtype
        if others and not fits:
            said[name] = dataclasses.replace(own[name], limits=spec.limits or own[name].limits)
        elif not fits:
            wanted = "x".join("?" if n is None else str(n) for n in shape)
            given = "x".join(map(str, spec.shape))
            raise UsageError(f"--input {name}:{given}:{spec.dtype}: {title} takes {name}:{wanted}:{own[name].dtype}")
    return with_inputs(
        artifact,
        tuple(
            dataclasses.replace(spec, shape=said[name].shape, limits=said[name].limits) if name in said else spec
            for name, spec in own.items()
        ),
    )


def constant(spec: TensorSpec) -> bool:
    """Whether the user said that an input always has one value, `--input sr=16000`."""
    return spec.shape == () and spec.limits is not None and spec.limits[0] == spec.limits[1]


def _of_type(spec: TensorSpec, own: TensorSpec, title: str) -> TensorSpec:
    """The input as the model has it, with the one value that it takes.

    Raises:
        UsageError: a value that its type cannot hold.
    """
    assert spec.limits is not None
    value, kind = spec.limits[0], np.dtype(own.dtype).kind
    if kind not in "fiub" or (kind != "f" and value != np.asarray(value).astype(own.dtype)):
        raise UsageError(f"--input {own.name}={value:g}: {title} takes {own.name} as {own.dtype}, which is never that")
    return dataclasses.replace(own, limits=spec.limits)


def settle(
    artifact: Artifact,
    groups: Sequence[Sequence[tuple[TensorSpec, ...]]],
    given: Arrays | None,
    ask: Ask,
    who: str,
) -> tuple[Artifact, Probe]:
    """The artifact with the first sizes that a runtime takes, and those limits of values whose outputs tell most.

    Args:
        artifact: speaks to the file.
        groups: for each choice of sizes, the inputs with one choice of limits after the other.
        given: (n, *shape) by name, in the place of made-up samples.
        ask: the runtime.
        who: its name.

    Raises:
        EdgeExportError: it does not open the file, or takes none of the inputs.
    """
    first_words = ""
    for group in groups:
        best: tuple[int, Artifact, Probe] | None = None
        for inputs in group:
            tried = with_inputs(artifact, inputs)
            samples = given if given is not None else synthesise(inputs, PROBED, SEED)
            found = ask(tried, {name: values[:PROBED] for name, values in samples.items()})
            first_words = first_words or found.error
            worth = _worth(found)
            if worth > (best[0] if best else 0):
                best = worth, _with_outputs(tried, found), found
            if worth == _MOST:
                break
        if best:
            return best[1], best[2]
    raise ToolkitError(f"{who} takes none of the inputs that were tried: {first_words}")


_MOST = 3


def _worth(found: Probe) -> int:
    """How much outputs tell: 0 none, 1 not finite, 2 always the same, 3 all that a probe can."""
    if found.error or found.random:
        return 0 if found.error else _MOST
    return 1 + found.finite + (found.finite and found.moves)


def _with_outputs(artifact: Artifact, found: Probe) -> Artifact:
    """The artifact with its outputs as they are: files of open sizes name others, or none."""

    def seen(spec: TensorSpec, own: TensorSpec) -> TensorSpec:
        shape = found.shapes[own.name]
        if len(shape) != len(spec.shape):
            return dataclasses.replace(spec, shape=(None,) * len(shape), layout="")
        open_sizes = tuple(size if size == real else None for size, real in zip(own.shape, shape, strict=True))
        return dataclasses.replace(spec, shape=open_sizes if spec.layout == own.layout else (None,) * len(shape))

    own, source = artifact.signature, artifact.source
    return dataclasses.replace(
        artifact,
        signature=Signature(own.inputs, tuple(seen(spec, spec) for spec in own.outputs)),
        source=Signature(source.inputs, tuple(map(seen, source.outputs, own.outputs))),
    )


def require_sizes(title: str, found: Inspection) -> None:
    """Raises ModelError where a file declares sizes that its own operators contradict."""
    if wrong := found.metadata.get(WRONG_SHAPES):
        raise _wrong_sizes(title, wrong)


def require_declared(title: str, outputs: Iterable[TensorSpec], shapes: Mapping[str, Shape]) -> None:
    """Raises ModelError where outputs, `shapes` by name, come in other sizes than a file declares."""
    for spec in outputs:
        real = shapes[spec.name]
        if len(spec.shape) != len(real) or any(n not in (None, m) for n, m in zip(spec.shape, real, strict=True)):
            raise _wrong_sizes(title, f"{spec.name!r} as {list(spec.shape)} and gives {list(real)}")


def _wrong_sizes(title: str, wrong: str) -> ModelError:
    return ModelError(
        f"{title} declares its output {wrong}: the shapes in the file are wrong; run its exporter's shape inference "
        "again"
    )


def with_inputs(artifact: Artifact, inputs: tuple[TensorSpec, ...]) -> Artifact:
    """The artifact spoken to with these inputs."""
    return dataclasses.replace(artifact, source=Signature(inputs, artifact.source.outputs))


def _limited(spec: TensorSpec, own: TensorSpec) -> TensorSpec:
    """The spec as an image where it looks like one, with the limits that its quantization sets."""
    if not spec.limits and own.scale is not None and own.zero_point is not None and np.dtype(own.dtype).itemsize == 1:
        stored = np.iinfo(own.dtype)
        low, high = (own.scale * (end - own.zero_point) for end in (stored.min, stored.max))
        spec = dataclasses.replace(spec, limits=(low, high))
    return dataclasses.replace(spec, meaning="image") if looks_like_a_picture(spec) else spec


def looks_like_a_picture(spec: TensorSpec) -> bool:
    """Four axes of floats or bytes, with the channels of grey, colour or colour with alpha first or last."""
    if len(spec.shape) != 4 or np.dtype(spec.dtype).kind not in "fu":
        return False
    return spec.meaning == "image" or spec.shape[1] in _CHANNELS or spec.shape[3] in _CHANNELS


def _sized(specs: tuple[TensorSpec, ...]) -> Iterator[tuple[TensorSpec, ...]]:
    """The specs with every open axis sized: the first axis is a batch of one, all others are equal.

    Where that does not run, a batch may stand elsewhere: only the input with most open axes has sizes beside 1.
    """
    opened = [sum(size is None for size in spec.shape) for spec in specs]
    most = opened.index(max(opened)) if any(opened) else 0
    for size in SIZES if any(opened) else (1,):
        for sized in (
            tuple(_filled(spec, size) for spec in specs),
            tuple(_filled(spec, size if place == most else 1) for place, spec in enumerate(specs)),
        ):
            if not any(opened) or all(prod(n or 1 for n in spec.shape) <= MOST_VALUES for spec in sized):
                yield sized


def _filled(spec: TensorSpec, size: int) -> TensorSpec:
    batch = 1 if len(spec.shape) > 1 else size
    sizes = (batch, *[size] * (len(spec.shape) - 1))
    shape = tuple(proposed if n is None else n for n, proposed in zip(spec.shape, sizes, strict=False))
    return dataclasses.replace(spec, shape=shape)


def _valued(spec: TensorSpec, pixels: Limits, floats: Limits | None, integers: Limits) -> TensorSpec:
    kind = np.dtype(spec.dtype).kind
    if spec.limits or kind == "b":
        return spec
    if kind == "f":
        return dataclasses.replace(spec, limits=pixels if spec.meaning == "image" else floats)
    high = min(integers[1], float(np.iinfo(spec.dtype).max))
    return dataclasses.replace(spec, limits=(integers[0], high))


def as_bytes(artifact: Artifact) -> Artifact | None:
    """The artifact with images whose limits nobody said within 0..255; None where there are none.

    A model may scale bytes itself: what lies within -1..1 is then all the same to it.
    """
    undeclared = (PIXELS, NEAR_ZERO)
    inputs = tuple(
        dataclasses.replace(spec, limits=COUNTS) if spec.meaning == "image" and spec.limits in undeclared else spec
        for spec in artifact.source.inputs
    )
    return with_inputs(artifact, inputs) if inputs != artifact.source.inputs else None


def described(spec: TensorSpec) -> str:
    """`1x3x224x224 float32 -1..1`: what was fed."""
    low, high = spec.limits or (None, None)
    drawn = "" if low is None else f" always {low:g}" if low == high else f" {low:g}..{high:g}"
    return f"{'x'.join('?' if size is None else str(size) for size in spec.shape) or 'scalar'} {spec.dtype}{drawn}"
