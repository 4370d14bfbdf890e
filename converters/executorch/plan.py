"""Reads the execution plan of a program: its own operators, and through the delegates those that they took."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from converters.errors import ModelError, UnsupportedError
from converters.executorch import vulkan, xnnpack
from converters.executorch.graph import MEMORY, PORTABLE, Graph, Op, Value, itemsize
from converters.executorch.program import Program

DTYPES = {
    "BYTE": "uint8", "CHAR": "int8", "SHORT": "int16", "INT": "int32", "LONG": "int64",
    "HALF": "float16", "FLOAT": "float32", "DOUBLE": "float64", "BOOL": "bool", "BFLOAT16": "bfloat16",
    "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
}  # fmt: skip
_LISTS = ("TensorList", "OptionalTensorList")
_KNOWN = {"XnnpackBackend": xnnpack.read, "VulkanBackend": vulkan.read}


def read_graph(program: Program) -> Graph:
    """The graph of the main method.

    Raises:
        ModelError: the program is damaged.
        UnsupportedError: an input or output is no tensor, or weights lie in another file.
    """
    plan = program.methods[program.main]
    graph = Graph(
        backends=tuple(dict.fromkeys(delegate["id"] for delegate in plan["delegates"])),
        kernels=tuple(_full_name(operator) for operator in plan["operators"]),
    )
    reader = _Reader(program, plan, graph)
    graph.inputs = reader.tensors_only(plan["inputs"], "input")
    for chain in plan["chains"]:
        for instruction in chain["instructions"]:
            reader.instruction(*instruction["instr_args"])
    graph.outputs = reader.tensors_only(plan["outputs"], "output")
    reader.show(graph.outputs, len(graph.ops))
    graph.stateful = reader.stateful
    return graph


class _Reader:
    """Turns instructions into operators; tensors get their places in the order of the plan's values.

    A tensor that is read before anything was written into it is a view of the one that was written into its place, for
    which the program has no instruction, or keeps its value from the call before.
    """

    def __init__(self, program: Program, plan: dict[str, Any], graph: Graph) -> None:
        self.program, self.plan, self.graph = program, plan, graph
        self.values: list[tuple[str, dict[str, Any]]] = [value["val"] or ("Null", {}) for value in plan["values"]]
        self.places = {index: graph.add(self._tensor(index, tensor)) for index, tensor in self._of_tensors()}
        self.own = set(self.places.values())
        constants = {place for place in self.places.values() if graph.values[place].data is not None}
        self.known = constants | set(self.tensors_only(plan["inputs"], "input"))
        self.spots = {self.places[index]: _spot(tensor) for index, tensor in self._of_tensors()}
        self.written = {spot: place for place in sorted(self.known) if (spot := self.spots[place])}
        self.stateful = False

    def _of_tensors(self) -> list[tuple[int, dict[str, Any]]]:
        """The plan's values that are tensors, by number."""
        return [(index, tensor) for index, (kind, tensor) in enumerate(self.values) if kind == "Tensor"]

    def tensors_only(self, indices: list[int], side: str) -> tuple[int, ...]:
        kinds = [self._value(index)[0] for index in indices]
        if other := [kind for kind in kinds if kind != "Tensor"]:
            raise UnsupportedError(f"an {side} of `{self.plan['name']}` is no tensor but {other[0]}")
        return tuple(self.places[index] for index in indices)

    def instruction(self, kind: str, call: dict[str, Any]) -> None:
        if kind == "DelegateCall":
            self._delegate(self.plan["delegates"][call["delegate_index"]], call["args"])
        elif kind == "KernelCall":
            self._kernel(_full_name(self.plan["operators"][call["op_index"]]), call["args"])
        elif kind == "MoveCall":
            pair = [self._tensors(call[end]) for end in ("move_from", "move_to")]
            self._add(Op("Move", PORTABLE, *pair))
        elif kind == "JumpFalseCall":
            condition = self._tensors(call["cond_value_index"])
            self._add(Op("JumpFalse", PORTABLE, condition, (), call["destination_instruction"]))

    def _add(self, *ops: Op) -> None:
        """Takes up operators that follow each other, and before them the views that they read."""
        at = len(self.graph.ops)
        self.graph.ops += ops
        made: set[int] = set()
        for op in ops:
            at += self.show(self.own.intersection(op.inputs) - made, at)
            made.update(op.outputs)
        self.known |= made
        self.written |= {spot: place for place in self.own & made if (spot := self.spots[place])}

    def show(self, read: Iterable[int], at: int) -> int:
        """Puts the views among what is read where they are needed; how many there are. The others are state."""
        unknown = sorted(set(read) - self.known)
        found = [view for place in unknown if (view := self._view(place))]
        self.stateful |= len(found) < len(unknown)
        self.graph.ops[at:at] = found
        self.known.update(place for view in found for place in view.outputs)
        return len(found)

    def _view(self, place: int) -> Op | None:
        """The operator that a view stands for; None where nothing like it was written there."""
        one, source = self.graph.values[place], self.written.get(self.spots[place])
        if source is None or one.initial:
            return None
        other = self.graph.values[source]
        if (other.dtype, math.prod(other.shape)) != (one.dtype, math.prod(one.shape)):
            return None
        sizes = [["Int", size] for size in one.shape]
        return Op("aten::view_copy.out", MEMORY, (source,), (place,), ["Tensor", sizes, "Tensor"])

    def _kernel(self, name: str, args: list[int]) -> None:
        """An `.out` variant: the last argument is its result, a tensor that is handed in as well, or a list of them."""
        made = self._tensors(args[-1]) if args else ()
        read = tuple(place for index in args[:-1] for place in self._tensors(index) if place not in made)
        plain = [self._plain(index) for index in args]
        self._add(Op(name, PORTABLE, read, made, plain))

    def _delegate(self, delegate: dict[str, Any], args: list[int]) -> None:
        payload = self.program.payload(delegate["processed"])
        places = [self._tensors(index) for index in args]
        known = _KNOWN.get(delegate["id"])
        flat = tuple(place for group in places for place in group)
        if known:
            before = len(self.graph.ops)
            known(payload, self.program.named, self.graph, flat)
            taken = self.graph.ops[before:]
            del self.graph.ops[before:]
            self._add(*taken)
            return
        specs = [(spec["key"], bytes(spec["value"])) for spec in delegate["compile_specs"]]
        read = tuple(place for place in flat if place in self.known)
        made = tuple(place for place in flat if place not in self.known)
        self._add(Op(delegate["id"], delegate["id"], read, made, [bytes(payload), specs]))

    def _value(self, index: int) -> tuple[str, dict[str, Any]]:
        if not 0 <= index < len(self.values):
            raise ModelError(f"damaged: it speaks of value {index} of {len(self.values)}")
        return self.values[index]

    def _tensors(self, index: int) -> tuple[int, ...]:
        """The places of a tensor, or of those in a list."""
        kind, value = self._value(index)
        if kind == "Tensor":
            return (self.places[index],)
        if kind in _LISTS:
            return tuple(place for item in value["items"] if item >= 0 for place in self._tensors(item))
        return ()

    def _plain(self, index: int) -> Any:
        """A value that is no tensor; of a tensor only that it is one."""
        kind, value = self._value(index)
        if kind == "Tensor" or kind in _LISTS:
            return kind
        if kind == "IntList":  # of values, which may be computed
            return [self._plain(item) for item in value["items"]]
        return [kind, *value.values()]

    def _tensor(self, index: int, tensor: dict[str, Any]) -> Value:
        dtype, shape = DTYPES.get(tensor["scalar_type"], tensor["scalar_type"].lower()), tuple(tensor["sizes"])
        extra = tensor["extra_tensor_info"] or {}
        if extra.get("location") == "EXTERNAL":
            raise UnsupportedError(f"its weights ({extra['fully_qualified_name']}) lie in another file, a .ptd")
        name = extra.get("fully_qualified_name") or f"value_{index}"
        buffer, size = tensor["data_buffer_idx"], math.prod(shape) * itemsize(dtype)
        if not buffer:
            return Value(name, shape, dtype)
        if tensor["allocation_info"]:
            return Value(name, shape, dtype, initial=bytes(self.program.initial(buffer, size)))
        return Value(name, shape, dtype, self.program.constant(buffer, size))


def _spot(tensor: dict[str, Any]) -> tuple[int, ...]:
    """Where the plan keeps a tensor; empty: nowhere that it says."""
    found = tensor["allocation_info"] or {}
    names = ("memory_id", "memory_offset_high", "memory_offset_low")
    return tuple(found[name] for name in names) if all(name in found for name in names) else ()


def _full_name(operator: dict[str, Any]) -> str:
    return f"{operator['name']}.{operator['overload']}" if operator["overload"] else str(operator["name"])
