"""An .onnx file taken apart for faults and honest changes: nodes, initializers, attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.mutation.layer import Layer, Values

HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
LEAST_WEIGHTS = 16
"""Of a kernel that counts as a layer's."""


@dataclass
class Nodes:
    """The model, to be changed in place."""

    model: Any

    @classmethod
    def read(cls, path: Path) -> Nodes:
        """Takes a file apart."""
        return cls(onnx.load(str(path)))

    def write(self, path: Path) -> Path:
        """Puts it together again."""
        onnx.save(self.model, str(path))
        return path

    @property
    def graph(self) -> Any:
        """The main graph."""
        return self.model.graph

    @property
    def opset(self) -> int:
        """Of the standard operators."""
        return next(int(entry.version) for entry in self.model.opset_import if entry.domain in ("", "ai.onnx"))

    def of(self, *kinds: str) -> Iterator[tuple[int, Any]]:
        """(place, node) of the nodes of some types."""
        return ((place, node) for place, node in enumerate(self.graph.node) if node.op_type in kinds)

    def outputs(self) -> list[str]:
        """What the file gives out."""
        return [value.name for value in self.graph.output]

    def constant(self, name: str) -> np.ndarray | None:
        """A constant's values, None for a tensor that is computed."""
        for tensor in self.graph.initializer:
            if tensor.name == name:
                return numpy_helper.to_array(tensor)
        for node in self.graph.node:
            if node.op_type == "Constant" and node.output[0] == name:
                found = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
                return numpy_helper.to_array(found["value"]) if "value" in found else None
        return None

    def stored(self, name: str) -> tuple[np.ndarray | None, Any, int]:
        """(stored values, the node that reads them, its input's place): behind DequantizeLinear the integers."""
        for node in self.graph.node:
            if node.op_type in ("DequantizeLinear", "Identity", "Cast") and node.output[0] == name:
                return self.constant(node.input[0]), node, 0
        return self.constant(name), None, 0

    def fresh(self, like: str) -> str:
        """A name that nothing has."""
        taken = {name for node in self.graph.node for name in (*node.input, *node.output)}
        taken |= {tensor.name for tensor in self.graph.initializer}
        return next(name for k in range(10**6) if (name := f"{like}_{k}") not in taken)

    def add(self, values: np.ndarray, like: str) -> str:
        """A new constant; its name."""
        name = self.fresh(like)
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def own(self, node: Any, slot: int, values: np.ndarray) -> None:
        """New values for one node's constant, whoever shares the old ones; behind DequantizeLinear the integers."""
        old = node.input[slot]
        found, reader, _ = self.stored(old)
        if reader is None or found is None:
            node.input[slot] = self.add(values, f"{old}_changed")
            return
        place = list(self.graph.node).index(reader)
        made = onnx.NodeProto()
        made.CopyFrom(reader)
        shared = sum(old in other.input for other in self.graph.node) > 1
        name = self.add(values, f"{reader.input[0]}_changed")
        if not shared:
            reader.input[0] = name
            return
        made.input[0], made.output[0], made.name = name, self.fresh(old), ""
        node.input[slot] = made.output[0]
        self.graph.node.insert(place, made)

    def layers(self) -> list[Layer]:
        """As `Editable.layers`."""
        return [layer for place, node in self.of(*HEAVY) if (layer := self._layer(place, node)) is not None]

    def _layer(self, place: int, node: Any) -> Layer | None:
        stored = self.stored(node.input[1])[0] if len(node.input) > 1 else None
        if stored is None or stored.size < LEAST_WEIGHTS or stored.ndim not in (2, 4):
            return None
        swap = node.op_type in ("MatMul", "ConvTranspose") or (
            node.op_type == "Gemm" and not self.attribute(node, "transB")
        )
        wide = stored.reshape(*stored.shape, *(1, 1)[: 4 - stored.ndim])
        order = (1, 2, 3, 0) if swap else (0, 2, 3, 1)
        back = np.argsort(order)
        bias = self.stored(node.input[2])[0] if len(node.input) > 2 and node.input[2] else None

        def set_kernel(values: np.ndarray) -> None:
            self.own(node, 1, values.transpose(back).reshape(stored.shape))

        kernel = wide.transpose(order)
        depthwise = node.op_type == "Conv" and stored.shape[1] == 1 and (self.attribute(node, "group") or 1) > 1
        return Layer(place, kernel, bias, set_kernel, lambda values: self.own(node, 2, values), depthwise)

    def values(self) -> list[Values]:
        """As `Editable.values`."""
        found = []
        quantizing = ("QuantizeLinear", "DequantizeLinear", "Constant", "Resize")
        for place, node in enumerate(self.graph.node):
            for slot, name in enumerate(node.input if node.op_type not in (*HEAVY, *quantizing) else ()):
                data = self.constant(name)
                if data is not None and data.dtype == np.float32:
                    found.append(Values(place, node.op_type, data, partial(self.own, node, slot)))
        return found

    def attribute(self, node: Any, name: str) -> Any:
        """An attribute's value, None where the node has none."""
        return next((helper.get_attribute_value(entry) for entry in node.attribute if entry.name == name), None)

    def set_attribute(self, node: Any, name: str, value: Any) -> None:
        """Gives a node an attribute, in the place of the old one."""
        for entry in [entry for entry in node.attribute if entry.name == name]:
            node.attribute.remove(entry)
        if value is not None:
            node.attribute.append(helper.make_attribute(name, value))

    def reread(self, old: str, new: str, after: int = -1) -> None:
        """Every node behind a place that reads `old` reads `new`."""
        for node in list(self.graph.node)[after + 1 :]:
            node.input[:] = [new if name == old else name for name in node.input]

    def behind(self, place: int, kind: str, constants: list[np.ndarray], **attributes: Any) -> int:
        """Puts a node behind another's first output, for all who read that; its place."""
        out = self.graph.node[place].output[0]
        fresh = self.fresh(f"{kind}_out")
        self.reread(out, fresh, place)
        held = [self.add(values, f"{kind}_in") for values in constants]
        self.graph.node.insert(place + 1, helper.make_node(kind, [out, *held], [fresh], **attributes))
        return place + 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of tensors by name, as far as they can be inferred; an open axis is 0."""
        return {
            value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
            for value in self._inferred()
            if value.type.tensor_type.HasField("shape")
        }

    def halves(self) -> set[str]:
        """The names of the tensors in float16, as far as types can be inferred."""
        half = onnx.TensorProto.FLOAT16
        return {value.name for value in self._inferred() if value.type.tensor_type.elem_type == half}

    def _inferred(self) -> list[onnx.ValueInfoProto]:
        """What is known of tensors, as far as it can be inferred."""
        graph = onnx.shape_inference.infer_shapes(self.model).graph
        return [*graph.input, *graph.value_info, *graph.output]
