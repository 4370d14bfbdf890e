"""Models that somebody saved whole, opened as a framework's own model: nothing in them is run that is no operator."""

from __future__ import annotations

import importlib
from typing import Any

from converters.contract import Artifact, Format, Framework

FORMATS = {
    Format.PT2: Framework.TORCH,
    Format.TORCHSCRIPT: Framework.TORCH,
    Format.SAVEDMODEL: Framework.TENSORFLOW,
    Format.KERAS_FILE: Framework.TENSORFLOW,
}
"""Formats of files that a framework opens as a model of its own, and which framework that is."""

_OPENERS = {
    Format.PT2: "converters.model_files.pt2:opened",
    Format.TORCHSCRIPT: "converters.model_files.script:opened",
    Format.SAVEDMODEL: "converters.model_files.saved_model:opened",
    Format.KERAS_FILE: "converters.model_files.keras_file:opened",
}


def load(artifact: Artifact) -> Any:
    """The nn.Module, keras.Model or `Served` in an artifact's file.

    Raises:
        ModelError: it is damaged, or loading it could run code.
        UnsupportedError: a TorchScript that torch.export does not read.
    """
    module, _, function = _OPENERS[artifact.format].partition(":")
    return getattr(importlib.import_module(module), function)(artifact)
