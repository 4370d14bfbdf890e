"""Weights files of source models, and the artifacts that stand for a builder and its weights."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.builder import framework_of, last_line
from converters.contract import Artifact, Format, Framework, Precision, Signature, TensorSpec
from converters.errors import ContractError, ModelError

FORMATS = {Framework.TORCH: Format.TORCH, Framework.TENSORFLOW: Format.KERAS}
"""The format of a source model by its framework."""


def save_weights(model: Any, path: Path) -> None:
    """Writes a model's weights as .safetensors (torch) or .weights.h5 (Keras)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if framework_of(model) is Framework.TORCH:
        import safetensors.torch

        safetensors.torch.save_model(model, str(path))
    else:
        model.save_weights(str(path))


def load_weights(model: Any, path: Path, framework: Framework, builder: str) -> None:
    """Fills a model with the weights at `path`, every one of them.

    Raises:
        ModelError: the file is missing, damaged, or made for another model.
    """
    if not path.is_file():
        raise ModelError(f"the weights of {builder!r} are missing: {path}")
    try:
        if framework is Framework.TORCH:
            import safetensors.torch

            safetensors.torch.load_model(model, str(path), strict=True)
        else:
            with warnings.catch_warnings():  # Keras only warns of layers that the file does not hold
                warnings.filterwarnings("error", message=".*freshly-initialized weights")
                model.load_weights(str(path))
    except Exception as error:
        raise ModelError(f"the weights {path} do not fit {builder!r} or are damaged: {last_line(error)}") from error


def artifact(
    path: Path, builder: str, args: Mapping[str, Any], framework: str, signature: Signature, model: str = ""
) -> Artifact:
    """The source artifact of a builder and the weights file at `path`."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    meaning = json.dumps([builder.rpartition(":")[2], dict(args), digest], sort_keys=True)
    return Artifact(
        path=path,
        format=FORMATS[Framework(framework)],
        precision=Precision.FP32,
        signature=signature,
        source=signature,
        model=model or builder.rpartition(":")[2],
        framework=str(framework),
        producer=builder,
        sha256=digest,
        graph_hash=hashlib.sha256(meaning.encode()).hexdigest(),
        size_bytes=path.stat().st_size,
        builder=builder,
        builder_args=dict(args),
    )


def fixed(spec: TensorSpec) -> tuple[int, ...]:
    """The shape of one call: a leading dynamic axis, the batch, is 1.

    Raises:
        ContractError: another axis is dynamic.
    """
    if None in spec.shape[1:]:
        raise ContractError(f"input {spec.name!r} has the dynamic shape {spec.shape}; give it a fixed one")
    return tuple(size or 1 for size in spec.shape)
