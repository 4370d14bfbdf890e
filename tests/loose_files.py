"""Files and sources without bytes, for tests of how their tensors go together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec

NCHW = TensorSpec("image", (1, 3, 12, 20), "float32", "NCHW", meaning="image")
LOGITS = TensorSpec("logits", (1, 5), "float32", "NC", meaning="logits")


def spec(name, *shape, layout="", dtype="float32", **more):
    return TensorSpec(name, shape, dtype, layout, **more)


def file(inputs, outputs=(LOGITS,), format=Format.TFLITE):
    own = Signature(tuple(inputs), tuple(outputs))
    return Artifact(Path("m.tflite"), format, Precision.FP32, own, own)


def source(inputs=(NCHW,), outputs=(LOGITS,)):
    return Signature(tuple(inputs), tuple(outputs))


def image(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
