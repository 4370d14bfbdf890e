"""A toolkit whose converters do what `write` does, with writers that break each promise of a converter.

Registered through EDGE_EXPORT_TOOLKITS. faulty_toolkit.py is its neighbour whose converters take the process down.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from converters.contract import Artifact, ConversionRequest, Edge, Format, Precision, RuntimeSpec, Signature
from converters.session import Session

Write = Callable[[ConversionRequest], Signature]


def write(request: ConversionRequest) -> Signature:
    """What the next conversion does; a test sets another."""
    return copy(request)


def fake_quantizer(request: ConversionRequest) -> Signature:
    return write(request)


def fake_from_keras(request: ConversionRequest) -> Signature:
    return write(request)


def _edge(name: str, source: Format, *precisions: Precision) -> Edge:
    return Edge(name, "fake", "fake_toolkit", source, Format.TFLITE, precisions, "fake", ("numpy",), ("depth",))


EDGES = (
    _edge("fake_quantizer", Format.TFLITE, Precision.FP32, Precision.DYNAMIC, Precision.INT8),
    _edge("fake_from_keras", Format.KERAS, Precision.FP32),
)
RUNTIMES = (RuntimeSpec("fake-runtime", "fake_toolkit", (Format.TFLITE,), "fake", ()),)


class Echo(Session):
    """Counts how often it is closed."""

    closed = 0

    def _call(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"logits": inputs["image"][:, 0, 0, :1].repeat(5, 1)}

    def close(self) -> None:
        type(self).closed += 1


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    return Echo(artifact)


def copy(request: ConversionRequest) -> Signature:
    request.target.write_bytes(request.source.path.read_bytes())
    return request.source.signature


def write_nothing(request: ConversionRequest) -> Signature:
    return request.source.signature


def write_empty(request: ConversionRequest) -> Signature:
    request.target.touch()
    return request.source.signature


def write_garbage(request: ConversionRequest) -> Signature:
    request.target.write_bytes(b"garbage" * 99)
    return request.source.signature


def claim(**changes: Any) -> Write:
    def write(request: ConversionRequest) -> Signature:
        signature = copy(request)
        return Signature((dataclasses.replace(signature.inputs[0], **changes),), signature.outputs)

    return write


def swap_sides(request: ConversionRequest) -> Signature:
    signature = copy(request)
    return Signature(signature.outputs, signature.inputs)


def drop_weights(request: ConversionRequest) -> Signature:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    data = request.source.path.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    for buffer in model.buffers:
        if buffer.data is not None and len(buffer.data) > 200:
            buffer.data = None
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    request.target.write_bytes(builder.Output())
    return request.source.signature
