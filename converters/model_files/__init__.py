"""Models that somebody saved whole, opened as a framework's own model: nothing in them is run that is no operator."""

from __future__ import annotations

import importlib
from typing import Any

from converters.contract import Artifact, Format

LOADED_AS = {
    Format.PT2: Format.TORCH,
    Format.TORCHSCRIPT: Format.TORCH,
    Format.SAVEDMODEL: Format.KERAS,
    Format.KERAS_FILE: Format.KERAS,
}
"""Files that their framework opens as a source model: what converts source models of that format converts them."""

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
