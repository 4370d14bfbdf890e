"""What an .ort file says of itself, read tensor by tensor without running it."""

from __future__ import annotations

from pathlib import Path

from converters.contract import Format
from converters.inspection import Inspection
from converters.onnx.inspect import inspect_model
from converters.ort.model import as_onnx


def inspect(path: Path) -> Inspection:
    """As of the ONNX model that it stands for: tensors, operators (fused ones too), signature and canonical hash.

    Raises:
        ModelError: another format, or damaged.
        UnsupportedError: an input or output is no plain tensor.
    """
    path = Path(path)
    return inspect_model(as_onnx(path), path.parent, Format.ORT)
