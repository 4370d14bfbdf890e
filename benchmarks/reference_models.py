"""The reference model with the weights it is born with: what takes time does not ask how well it is trained."""

from __future__ import annotations

from typing import Any

from converters.contract import Framework, Signature
from pipeline.config import load_model
from pipeline.models.signature import reference_signature

MODEL = "fashion-cnn"
SHAPE: dict[str, Any] = {"height": 28, "width": 28, "channels": 1, "classes": 10}


def signature(framework: Framework) -> Signature:
    """What the model takes and gives in a framework."""
    return reference_signature(framework.value, **SHAPE)


def torch() -> Any:
    """The nn.Module, untrained."""
    from pipeline.models.mobilenet_torch import build

    return build(**load_model(MODEL).arguments, **SHAPE)


def tensorflow() -> Any:
    """The keras.Model, untrained."""
    from pipeline.models.mobilenet_keras import build

    return build(**load_model(MODEL).arguments, **SHAPE)
