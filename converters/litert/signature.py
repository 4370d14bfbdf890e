"""The signature of a .tflite file: names, shapes, dtypes and quantization of what goes in and out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.contract import Signature, TensorSpec
from converters.errors import ModelError
from converters.litert.flatbuffer import Model, opened


def read_signature(path: Path) -> Signature:
    """The names, shapes, dtypes and quantization of a file's inputs and outputs; nobody knows the layouts.

    Raises:
        ModelError: the file is missing, empty, truncated, damaged or of another format.
    """
    with opened(path) as model:
        return signature_of(model)


def signature_key(path: Path) -> str | None:
    """The name of a file's first signature; None where it has none."""
    with opened(path) as model:
        if not model.root.SignatureDefsLength():
            return None
        return (model.root.SignatureDefs(0).SignatureKey() or b"").decode()


def described(path: Path, like: Signature) -> Signature:
    """The signature of the file at `path`, with the layouts and meanings of `like`, and in its order."""
    found = read_signature(path)

    def merge(have: tuple[TensorSpec, ...], known: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        by_name = {spec.name: spec for spec in known}
        order = {name: place for place, name in enumerate(by_name)}
        described = [
            replace(spec, layout=by_name[spec.name].layout, meaning=by_name[spec.name].meaning)
            if spec.name in by_name and len(spec.shape) == len(by_name[spec.name].shape)
            else spec
            for spec in have
        ]
        return tuple(sorted(described, key=lambda spec: order.get(spec.name, len(order))))

    return Signature(merge(found.inputs, like.inputs), merge(found.outputs, like.outputs))


def signature_of(model: Model) -> Signature:
    """Inputs and outputs by the file's first signature; by tensor names where it has none."""
    if not model.root.SubgraphsLength():
        raise ModelError("damaged: it holds no graph")
    if model.root.SignatureDefsLength():
        definition = model.root.SignatureDefs(0)
        graph = model.root.Subgraphs(definition.SubgraphIndex())
        inputs = [((m.Name() or b"").decode(), m.TensorIndex()) for m in model.items(definition, "Inputs")]
        outputs = [((m.Name() or b"").decode(), m.TensorIndex()) for m in model.items(definition, "Outputs")]
    else:
        graph = model.root.Subgraphs(0)
        inputs = [((graph.Tensors(int(i)).Name() or b"").decode(), int(i)) for i in model.items(graph, "Inputs")]
        outputs = [((graph.Tensors(int(i)).Name() or b"").decode(), int(i)) for i in model.items(graph, "Outputs")]

    def specs(rows: list[tuple[str, int]]) -> tuple[TensorSpec, ...]:
        return tuple(_spec(model, name, graph.Tensors(index)) for name, index in rows)

    return Signature(specs(inputs), specs(outputs))


def _spec(model: Model, name: str, tensor: Any) -> TensorSpec:
    shape: tuple[int | None, ...] = model.shape(tensor)
    if tensor.ShapeSignatureLength():
        sizes = [int(size) for size in model.items(tensor, "ShapeSignature")]
        shape = tuple(None if size < 0 else size for size in sizes)
    quantization = tensor.Quantization()
    if quantization is None or quantization.ScaleLength() != 1:
        return TensorSpec(name, shape, model.dtype(tensor))
    zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
    return TensorSpec(name, shape, model.dtype(tensor), scale=float(quantization.Scale(0)), zero_point=zero_point)
