from __future__ import annotations

from collections.abc import Callable

import pytest
from tiny_models import MODELS

from converters.contract import Artifact, Format
from converters.ptl import tracer

pytestmark = pytest.mark.torch


def test_it_is_looked_into_by_its_code(mobile: Callable[..., Artifact]) -> None:
    opened = tracer.open(mobile("torch_conv"))
    assert opened.graph.format is Format.PTL
    samples = [{"image": image} for image in MODELS["torch_conv"].inputs(2)["image"]]
    end = opened.graph.outputs[0]
    assert opened.trace(samples, [end])[end].shape == (2, 1, 5)
