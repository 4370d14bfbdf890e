"""A .pte file opened: its tables, its segments of data, and the signature that our converters leave in it.

ExecuTorch keeps no names of inputs and outputs. Our files have a second method that takes nothing and returns the
signature as JSON: `Module.execute("edge_export_signature")` in an app, `read_signature` here.
Format: `schema/program.fbs`, `schema/extended_header.h` of ExecuTorch.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.contract import Format, Signature, signature_from_json
from converters.errors import ContractError, ModelError, UnsupportedError
from converters.executorch.flatbuffer import decode, schema
from converters.sniff import sniff

SIGNATURE_METHOD = "edge_export_signature"
_SCHEMA = "exir/_serialize/program.fbs"
_HEADER = struct.Struct("<4sIQQ")  # magic, its own length, size of the tables, place of the first segment


@dataclass(frozen=True)
class Program:
    """The tables as `flatbuffer.decode` gives them; `segments` and `named` are the bytes that they speak of."""

    tables: dict[str, Any]
    segments: list[memoryview]
    named: dict[str, memoryview]

    @property
    def methods(self) -> dict[str, dict[str, Any]]:
        """Every method's execution plan, by name."""
        return {plan["name"] or "": plan for plan in self.tables["execution_plan"]}

    @property
    def main(self) -> str:
        """The method that is the model: `forward`, or the only one that computes.

        Raises:
            UnsupportedError: there is no such method.
        """
        computing = [name for name, plan in self.methods.items() if any(c["instructions"] for c in plan["chains"])]
        if "forward" in self.methods:
            return "forward"
        if len(computing) != 1:
            raise UnsupportedError(f"no method is called `forward`; there are {', '.join(self.methods) or 'none'}")
        return computing[0]

    def segment(self, index: int) -> memoryview:
        """The bytes of a segment.

        Raises:
            ModelError: there is no such segment.
        """
        if index >= len(self.segments):
            raise ModelError(f"damaged: it speaks of segment {index} and has {len(self.segments)}")
        return self.segments[index]

    def constant(self, index: int, size: int) -> memoryview:
        """The bytes of a constant tensor."""
        table = self.tables["constant_segment"]
        if table and table["offsets"]:
            return _slice(self.segment(table["segment_index"]), _item(table["offsets"], index), size)
        return _slice(_item(self.tables["constant_buffer"], index)["storage"], 0, size)

    def initial(self, index: int, size: int) -> memoryview:
        """The bytes that a tensor starts with whose value is kept from call to call."""
        table = _item(self.tables["mutable_data_segments"], 0)
        return _slice(self.segment(table["segment_index"]), _item(table["offsets"], index), size)

    def payload(self, reference: dict[str, Any]) -> memoryview:
        """What a delegate was given at lowering."""
        if reference["location"] == "SEGMENT":
            return self.segment(reference["index"])
        data: memoryview = _item(self.tables["backend_delegate_data"], reference["index"])["data"]
        return data


@contextmanager
def opened(path: Path) -> Iterator[Program]:
    """The program at `path`.

    Raises:
        ModelError: another format, or damaged; damage found inside the context included.
    """
    found = sniff(path)
    if found is not Format.EXECUTORCH:
        raise ModelError(f"{path} holds {found}, not an ExecuTorch program")
    try:
        yield _read(memoryview(path.read_bytes()))
    except ModelError as error:
        raise ModelError(f"{path} is {error}; convert or fetch it again") from error
    except (KeyError, TypeError, ValueError, IndexError, struct.error, RecursionError) as error:
        raise ModelError(f"{path} is damaged: {type(error).__name__} {error}; convert or fetch it again") from error


def read_signature(program: Program) -> Signature | None:
    """The signature inside, None in files of others.

    Raises:
        ModelError: it is no signature.
    """
    plan = program.methods.get(SIGNATURE_METHOD)
    if plan is None:
        return None
    try:
        _, value = plan["values"][plan["outputs"][0]]["val"]
        return signature_from_json(json.loads(value["string_val"]))
    except (ValueError, TypeError, KeyError, IndexError, ContractError) as error:
        raise ModelError(f"damaged: the signature in its method {SIGNATURE_METHOD}: {error}") from error


def signature_text(signature: Signature) -> str:
    """The constant that `SIGNATURE_METHOD` returns."""
    return json.dumps(dataclasses.asdict(signature))


def _read(data: memoryview) -> Program:
    size, base = len(data), 0
    if len(data) >= 8 + _HEADER.size and bytes(data[8:12]) == b"eh00":
        _, _, size, base = _HEADER.unpack_from(data, 8)
    tables = decode(data[:size], schema(_SCHEMA), "Program")
    segments = [_slice(data, base + one["offset"], one["size"]) for one in tables["segments"]]
    program = Program(tables, segments, {})
    program.named.update({one["key"]: program.segment(one["segment_index"]) for one in tables["named_data"]})
    return program


def _item(items: list[Any], index: int) -> Any:
    if not 0 <= index < len(items):
        raise ModelError(f"damaged: it speaks of entry {index} of a table of {len(items)}")
    return items[index]


def _slice(data: memoryview, start: int, size: int) -> memoryview:
    if start + size > len(data):
        raise ModelError(f"damaged: it points to byte {start + size} of {len(data)}")
    return data[start : start + size]
