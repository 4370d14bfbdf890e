from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiny_models import MODELS

from converters.contract import Artifact, Format, Precision
from converters.errors import UnsupportedError
from converters.ort import tracer

pytestmark = pytest.mark.torch


def test_values_inside_are_seen_and_a_piece_runs_alone(ort_file: Callable[..., Artifact]) -> None:
    opened = tracer.open(ort_file("torch_conv"))
    assert opened.graph.format is Format.ORT
    samples = [{"image": image} for image in MODELS["torch_conv"].inputs(3)["image"]]
    last = opened.graph.ops[-1]
    wanted = (*last.outputs, *(i for i in last.inputs if not opened.graph.tensors[i].constant))
    seen = opened.trace(samples, wanted)
    given = {index: seen[index] for index in wanted[1:]}
    alone = opened.run(given, last.outputs)
    np.testing.assert_allclose(alone[last.outputs[0]], seen[last.outputs[0]], rtol=1e-6)


def test_operators_fused_with_their_quantization_are_not_looked_into(ort_file: Callable[..., Artifact]) -> None:
    with pytest.raises(UnsupportedError, match=r"Q\w+: its operators are fused with their quantization; the ONNX file"):
        tracer.open(ort_file("torch_conv", Precision.INT8))
