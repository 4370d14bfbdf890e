"""How two files that may name, order and lay out their tensors otherwise are fed and read as one."""

from __future__ import annotations

import dataclasses
from itertools import permutations

import numpy as np

from converters.contract import Artifact, Signature, TensorSpec
from converters.errors import ModelError
from converters.names import partners_by_number, without_tf
from pipeline.plausible import with_inputs


def speaking(artifact: Artifact, source: Signature) -> Artifact:
    """The artifact taking inputs and giving outputs as `source` says, in its order and layout, under the file's names.

    Its signature keeps the model's own order. A single tensor on each side binds whatever its name. A file that says
    nothing of its tensors, as other people's TorchScript, is taken at its word to be called as `source` says.

    Raises:
        ModelError: a tensor without a partner of the same size.
    """
    own = artifact.signature
    if not own.inputs and not own.outputs:
        return dataclasses.replace(artifact, signature=source, source=source)
    inputs, ours = _bind(source.inputs, own.inputs, artifact, "input")
    outputs, theirs = _bind(source.outputs, own.outputs, artifact, "output")
    signature = Signature(_as_in(own.inputs, ours), _as_in(own.outputs, theirs))
    return dataclasses.replace(artifact, signature=signature, source=Signature(inputs, outputs))


def introduced(a: Artifact, b: Artifact) -> tuple[Artifact, Artifact]:
    """Two models of which one may say nothing of its tensors: it is called as the other says."""
    told = [bool(artifact.source.inputs) for artifact in (a, b)]
    if all(told) or not any(told):
        return a, b
    return (a, speaking(b, a.source)) if told[0] else (speaking(a, b.source), b)


def _as_in(own: tuple[TensorSpec, ...], specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    """The specs in the order of the model's own."""
    order = [spec.name for spec in own]
    return tuple(sorted(specs, key=lambda spec: order.index(spec.name)))


def _bind(
    source: tuple[TensorSpec, ...], own: tuple[TensorSpec, ...], artifact: Artifact, side: str
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Both sides, partner by partner, with layouts that say how their axes go together.

    Partners share a name; where no name at all is shared (converters lose them), order decides. An input must have
    one; an output without one is left to the check, which calls it missing or unexpected.
    """
    named = {spec.name: spec for spec in own}
    if len(own) == len(source) and not any(spec.name in named for spec in source):
        named = _without_names(source, own)
    lonely = [spec.name for spec in source if spec.name not in named]
    if lonely and side == "input":
        raise ModelError(
            f"{artifact.path.name} has no input {', '.join(lonely)}; it has {', '.join(named)}. One that always has "
            f"one value is said so: --input {lonely[0]}=VALUE"
        )
    pairs = [_laid_out(spec, named[spec.name], artifact, side) for spec in source if spec.name in named]
    taken = {second.name for _, second in pairs}
    extra = [spec for spec in own if spec.name not in taken]
    if extra and side == "input":
        raise ModelError(
            f"{artifact.path.name} also wants {', '.join(spec.name for spec in extra)}, which nobody gives. One that "
            f"always has one value is said so: --input {extra[0].name}=VALUE"
        )
    pairs += [(real(spec), spec) for spec in extra]
    return tuple(first for first, _ in pairs), tuple(second for _, second in pairs)


def _without_names(source: tuple[TensorSpec, ...], own: tuple[TensorSpec, ...]) -> dict[str, TensorSpec]:
    """Partners of tensors that share no name: by what TensorFlow's converters leave of names, else by order.

    `serving_default_image:0` was the input `image`; `StatefulPartitionedCall:2` and `Identity_2:0` are the third output
    in the order of their names, in which a SavedModel gives them.
    """
    plain = {without_tf(spec.name): spec for spec in own}
    asked = {spec.name: without_tf(spec.name) for spec in source}
    if len(plain) == len(own) and all(name in plain for name in asked.values()):
        return {name: plain[short] for name, short in asked.items()}
    partners = partners_by_number([spec.name for spec in source], [spec.name for spec in own])
    if partners:
        there = {spec.name: spec for spec in own}
        found = {spec.name: there[partners[spec.name]] for spec in source}
        if all(_same_sizes(spec.shape, found[spec.name].shape) for spec in source):
            return found
    return {spec.name: partner for spec, partner in zip(source, own, strict=True)}


def _same_sizes(there: tuple[int | None, ...], here: tuple[int | None, ...]) -> bool:
    """Whether some order of the axes may make one of the other."""
    return len(there) == len(here) and any(_fits(order, here) for order in permutations(there))


def _require_kind(spec: TensorSpec, own: TensorSpec, artifact: Artifact, side: str) -> None:
    """Raises ModelError where one takes real numbers and the other whole ones, or truths."""
    there, here = (np.dtype(real(each).dtype).kind.replace("u", "i") for each in (spec, own))
    if there != here:
        raise ModelError(
            f"{side} {spec.name!r} is {real(spec).dtype} on one side and {own.dtype} in {artifact.path.name}: the two "
            "are not called alike"
        )


def _laid_out(spec: TensorSpec, own: TensorSpec, artifact: Artifact, side: str) -> tuple[TensorSpec, TensorSpec]:
    _require_kind(spec, own, artifact, side)
    asked = dataclasses.replace(real(spec), name=own.name)
    if spec.layout and own.layout and sorted(spec.layout) == sorted(own.layout):
        sizes = dict(zip(spec.layout, spec.shape, strict=True))
        if any(
            None not in (n, sizes[axis]) and n != sizes[axis] for axis, n in zip(own.layout, own.shape, strict=True)
        ):
            raise ModelError(
                f"{side} {spec.name!r} is {spec.layout} {spec.shape} on one side and {own.layout} {own.shape} in "
                f"{artifact.path.name}: two models of other sizes"
            )
        return asked, own
    there, here = spec.shape, own.shape
    if _fits(there, here):
        return dataclasses.replace(asked, layout=""), dataclasses.replace(own, layout="")
    letters = "ABCDEFGH"[: len(there)]
    orders = _orders(there, here)
    if len(orders) != 1:
        raise ModelError(
            f"{side} {spec.name!r} is {there} on one side and {here} in {artifact.path.name}: "
            + ("several orders of the axes fit" if orders else "no order of the axes fits")
        )
    return (
        dataclasses.replace(asked, layout=letters),
        dataclasses.replace(own, layout="".join(letters[i] for i in orders[0])),
    )


def _orders(there: tuple[int | None, ...], here: tuple[int | None, ...]) -> list[tuple[int, ...]]:
    """The orders of axes in which `there` may be `here`, the likely ones."""
    orders = [p for p in permutations(range(len(there))) if _fits(tuple(there[i] for i in p), here)]
    keeps_batch = [p for p in orders if p[0] == 0] or orders
    if len(keeps_batch) > 1:  # height and width of a square image: converters move the channels, and nothing else
        keeps_batch = [p for p in keeps_batch if _moves_one_axis(p)]
    return keeps_batch


def as_large(one: Artifact, other: Artifact) -> Artifact:
    """A model spoken to with the sizes that another says, where it leaves them open."""
    specs = sizes_of(other.source.inputs, one.source.inputs)
    return one if specs == one.source.inputs else with_inputs(one, specs)


def sizes_of(other: tuple[TensorSpec, ...], specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    """`specs` with the sizes and limits that their partners of another model say, by name or else by place."""
    named = {spec.name: spec for spec in other}
    if not any(spec.name in named for spec in specs) and len(other) == len(specs):
        named = {spec.name: partner for spec, partner in zip(specs, other, strict=True)}
    return tuple(_sized(spec, named[spec.name]) if spec.name in named else spec for spec in specs)


def _sized(spec: TensorSpec, other: TensorSpec) -> TensorSpec:
    shape, said = list(spec.shape), other.shape
    kept = [tuple(range(len(shape)))] if _fits(spec.shape, said) else []
    orders = kept or (_orders(spec.shape, said) if len(shape) == len(said) else [])
    for place, axis in enumerate(orders[0] if len(orders) == 1 else ()):
        shape[axis] = said[place] if shape[axis] is None else shape[axis]
    return dataclasses.replace(spec, shape=tuple(shape), limits=spec.limits or other.limits)


def _moves_one_axis(order: tuple[int, ...]) -> bool:
    return any((rest := [i for i in order if i != axis]) == sorted(rest) for axis in order)


def _fits(there: tuple[int | None, ...], here: tuple[int | None, ...]) -> bool:
    """Whether two shapes may be one: an open axis takes any size."""
    return len(there) == len(here) and all(None in (a, b) or a == b for a, b in zip(there, here, strict=True))


def real(spec: TensorSpec) -> TensorSpec:
    """A quantized tensor as the real numbers that it stands for."""
    return dataclasses.replace(spec, dtype="float32", scale=None, zero_point=None) if spec.quantized else spec
