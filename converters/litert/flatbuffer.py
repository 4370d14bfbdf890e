"""A .tflite file opened as the flatbuffer that it is: its tables, and the bytes of its constants.

Schema: `tensorflow/lite/schema/schema.fbs`. Python's flatbuffers has no verifier: counts are bounded here, and a
walk that runs out of the file ends as ModelError.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from converters.errors import ModelError

_IDENTIFIER = slice(4, 8)
DTYPES = {
    "FLOAT32": "float32",
    "FLOAT16": "float16",
    "FLOAT64": "float64",
    "INT4": "int4",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "BOOL": "bool",
    "COMPLEX64": "complex64",
    "COMPLEX128": "complex128",
    "STRING": "str",
}
"""numpy's names of the schema's tensor types; others are their own name in lower-case letters."""


def tables() -> Any:
    """The schema's classes; an older TensorFlow's own where LiteRT is not installed."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ModuleNotFoundError:
        from tensorflow.lite.python import schema_py_generated as schema
    return schema


class Model:
    """The tables of one file. Every count is at most the file's size, so that damage cannot make a walk endless."""

    def __init__(self, data: Any) -> None:
        self.schema = schema = tables()
        self.data = data
        self.root = schema.Model.GetRootAs(data, 0)
        self._types = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
        self._ops = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}

    def items(self, owner: Any, field: str) -> Iterator[Any]:
        """The members of a vector field, `Subgraphs` for instance."""
        count = getattr(owner, f"{field}Length")()
        if count > len(self.data):
            raise ModelError(f"damaged: {count} {field} in {len(self.data)} bytes")
        get: Callable[[int], Any] = getattr(owner, field)
        return (get(index) for index in range(count))

    def dtype(self, tensor: Any) -> str:
        """The name of a tensor's type, numpy's where numpy has it."""
        name = self._types.get(tensor.Type())
        if name is None:
            raise ModelError(f"damaged: tensor type {tensor.Type()} is not in the schema")
        return DTYPES.get(name, name.lower())

    def op_type(self, op: Any) -> str:
        """The operator's name in the schema; a custom operator's own name."""
        code = self.root.OperatorCodes(op.OpcodeIndex())
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if builtin == self.schema.BuiltinOperator.CUSTOM:
            return (code.CustomCode() or b"CUSTOM").decode()
        if builtin not in self._ops:
            raise ModelError(f"damaged: operator {builtin} is not in the schema")
        return self._ops[builtin]

    def version(self, op: Any) -> int:
        """The operator's version as the file declares it."""
        return int(self.root.OperatorCodes(op.OpcodeIndex()).Version())

    def constant(self, tensor: Any) -> np.ndarray | None:
        """The bytes of a constant tensor, (n,) uint8; None for one that is computed or fed."""
        buffer = self.root.Buffers(tensor.Buffer())
        if buffer.Offset() > 1:  # kept behind the flatbuffer: files above 2 GB
            return np.frombuffer(self.data, np.uint8, buffer.Size(), buffer.Offset())
        if tensor.Buffer() == 0 or buffer.DataLength() == 0:
            return None
        return buffer.DataAsNumpy()

    def shape(self, tensor: Any) -> tuple[int, ...]:
        """The shape that the tensor is allocated with."""
        return tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))

    def metadata(self) -> dict[str, str]:
        """The file's short texts about itself: schema version, description, `min_runtime_version`."""
        texts = {"schema_version": str(self.root.Version()), "description": (self.root.Description() or b"").decode()}
        for entry in self.items(self.root, "Metadata"):
            buffer = self.root.Buffers(entry.Buffer())
            if buffer.DataLength() and buffer.DataLength() <= 64:
                text = buffer.DataAsNumpy().tobytes().rstrip(b"\0")
                if text.isascii() and text.decode().isprintable():
                    texts[(entry.Name() or b"").decode()] = text.decode()
        return texts


@contextmanager
def opened(path: Path) -> Iterator[Model]:
    """The file at `path`, mapped into memory while the context lasts.

    Raises:
        ModelError: it is missing, empty, not a .tflite file, or damaged; damage found inside the context included.
    """
    if not path.is_file():
        raise ModelError(f"there is no file {path}")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if head[_IDENTIFIER] != b"TFL3":
            what = "is empty" if size == 0 else f"is not a TensorFlow Lite file: bytes 4 to 8 are {head[_IDENTIFIER]!r}"
            raise ModelError(f"{path} {what}, not b'TFL3'; convert the model again or name the right file")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        yield Model(data)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is damaged ({size} bytes): {error}; convert or fetch it again") from error
    except ModelError as error:
        raise ModelError(f"{path} is {error}; convert or fetch it again") from error
