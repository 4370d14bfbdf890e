"""Values inside a program, as ExecuTorch's own runtime records them (ETDump with a debug buffer).

Of its own operators the runtime records what they give out; of a delegate what goes in and comes out: what XNNPACK or
Vulkan compute inside, fused and in memory of their own, no build shows.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.runtime import Runtime

from converters.errors import UnsupportedError
from converters.executorch.flatbuffer import decode, schema
from converters.executorch.plan import DTYPES
from converters.words import last_words

_SLACK = 1 << 20
_SCHEMA = "devtools/etdump/etdump_schema_flatcc.fbs"
_PREFIX = 4
"""Bytes before the tables: their size."""


def recorded(path: Path, plan: dict[str, Any], inputs: Sequence[torch.Tensor]) -> dict[int, np.ndarray]:
    """The values of tensors that one call shows, by their place among the tensors of the plan.

    Raises:
        UnsupportedError: the runtime does not run the program.
    """
    size = sum(4 * math.prod(value["sizes"]) for kind, value in _values(plan) if kind == "Tensor")
    try:
        program = Runtime.get().load_program(path, enable_etdump=True, debug_buffer_size=4 * size + _SLACK)
        outputs = program.load_method(plan["name"]).execute(list(inputs))
        with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
            events, values = Path(folder) / "events", Path(folder) / "values"
            program.write_etdump_result_to_file(str(events), str(values))
            found = dict(_told(plan, events.read_bytes(), values.read_bytes()))
    except RuntimeError as error:
        raise UnsupportedError(f"ExecuTorch does not show what is inside {path.name}: {last_words(error)}") from error
    ends = zip(plan["outputs"], outputs, strict=True)
    return found | {place: value.numpy() for index, value in ends for place in places(plan, index)}


def places(plan: dict[str, Any], index: int) -> tuple[int, ...]:
    """Of a value of the plan, its place among the tensors, or those of a list."""
    kind, value = _values(plan)[index]
    if kind == "Tensor":
        return (sum(other == "Tensor" for other, _ in _values(plan)[:index]),)
    if kind in ("TensorList", "OptionalTensorList"):
        return tuple(place for item in value["items"] if item >= 0 for place in places(plan, item))
    return ()


def _values(plan: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [value["val"] or ("Null", {}) for value in plan["values"]]


def _told(plan: dict[str, Any], events: bytes, values: bytes) -> Iterator[tuple[int, np.ndarray]]:
    """(place, values) of what instructions left in the buffer, in the order of their arguments."""
    shown: dict[tuple[int, int], list[np.ndarray | None]] = {}
    tables = decode(memoryview(events)[_PREFIX:], schema(_SCHEMA), "ETDump")
    for entry in (event["debug_event"] for run in tables["run_data"] for event in run["events"]):
        if entry is None or entry["debug_entry"]["output"]:
            continue
        said = entry["debug_entry"]
        found = said["tensor_list"]["tensors"] if said["tensor_list"] else [said["tensor"]] if said["tensor"] else []
        shown.setdefault((entry["chain_index"], entry["instruction_id"]), []).extend(
            _array(tensor, values) for tensor in found
        )
    for number, chain in enumerate(plan["chains"]):
        for place, instruction in enumerate(chain["instructions"]):
            kind, call = instruction["instr_args"]
            if kind not in ("KernelCall", "DelegateCall"):
                continue
            args = call["args"] if kind == "DelegateCall" else call["args"][-1:]
            asked = [tensor for index in args for tensor in places(plan, index)]
            told = shown.get((number, place), [])
            if len(told) == len(asked):
                yield from ((tensor, value) for tensor, value in zip(asked, told, strict=True) if value is not None)


def _array(tensor: dict[str, Any], values: bytes) -> np.ndarray | None:
    """A tensor of the buffer, C-contiguous; None where it is empty, or of a type that numpy has not."""
    name, start, shape = DTYPES.get(tensor["scalar_type"], ""), tensor["offset"], tuple(tensor["sizes"])
    if name in ("", "bfloat16") or not math.prod(shape) or not 0 <= start < len(values):
        return None
    dtype = np.dtype(name)
    flat = np.frombuffer(values, dtype, math.prod(shape), start)
    steps = tuple(step * dtype.itemsize for step in tensor["strides"])
    return np.array(np.lib.stride_tricks.as_strided(flat, shape, steps), order="C")
