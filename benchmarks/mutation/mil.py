"""A Core ML package taken apart for faults and honest changes: operators, constants, weight files."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutation.layer import Layer, Values
from converters.coreml.package import Package, read_package, rewrite_blob, write_model
from converters.coreml.program import read_value

HEAVY = ("conv", "linear", "matmul", "conv_transpose")
LEAST_WEIGHTS = 16
"""Of a kernel that counts as a layer's."""
_KINDS = {"f": "floats", "i": "ints", "u": "ints", "b": "bools"}
Op = dict[str, Any]


@dataclass
class Mil:
    """The main function of a package, to be changed in place; the weight file is changed when it is written."""

    package: Package
    pending: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Mil:
        """Takes a package apart."""
        return cls(read_package(path))

    def write(self, path: Path) -> Path:
        """A package with the changes at `path`, in the place of what was there."""
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.package.path, path)
        made = Package(path, path / self.package.specification.relative_to(self.package.path), self.package.model)
        write_model(made)
        for (name, offset), values in self.pending.items():
            rewrite_blob(made, name, offset, lambda old, new=values: new.astype(old.dtype))
        return path

    @property
    def block(self) -> dict[str, Any]:
        """The block of the function that runs by default."""
        function = self.package.model["mlProgram"]["functions"]
        found = function[self.package.model["description"].get("defaultFunctionName") or "main"]
        return found["blocks"][found["opset"]]

    @property
    def all(self) -> list[Op]:
        """Every operator, constants too."""
        return self.block["operations"]

    @property
    def ops(self) -> list[Op]:
        """The operators that compute, by their places."""
        return [op for op in self.all if op["type"] != "const" and not op["type"].startswith("constexpr_")]

    def of(self, *kinds: str) -> Iterator[tuple[int, Op]]:
        """(place, operator) of the operators of some types."""
        return ((place, op) for place, op in enumerate(self.ops) if op["type"] in kinds)

    def out(self, op: Op) -> str:
        """The name of an operator's first output."""
        return str(op["outputs"][0]["name"])

    def shape(self, op: Op) -> tuple[int, ...]:
        """The declared shape of an operator's first output, 0 for an open axis."""
        sizes = op["outputs"][0]["type"].get("tensor", {}).get("dimensions", [])
        return tuple(int(size.get("constant", {}).get("size", 0)) for size in sizes)

    def read_by(self, op: Op, name: str) -> str:
        """The name of the value that an operator reads as a parameter, empty where it has none or a plain constant."""
        rows = op.get("inputs", {}).get(name, {}).get("arguments", [])
        return str(rows[0].get("name", "")) if len(rows) == 1 else ""

    def value(self, op: Op, name: str) -> Any:
        """A constant parameter: an array, a text or a bool; None where it is computed or not there."""
        rows = op.get("inputs", {}).get(name, {}).get("arguments", [])
        if len(rows) != 1:
            return None
        if "value" in rows[0]:
            return read_value(rows[0]["value"], self.package).value
        held = self._const(rows[0]["name"])
        if held is None:
            return None
        place = held["attributes"]["val"].get("blob")
        key = (place["fileName"], place.get("offset", 0)) if place else None
        if key in self.pending:
            return self.pending[key]
        return read_value(held["attributes"]["val"], self.package).value

    def _const(self, name: str) -> Op | None:
        return next((op for op in self.all if op["type"] == "const" and self.out(op) == name), None)

    def bind(self, op: Op, name: str, value: Any) -> None:
        """A parameter's new value, of the same type, for this operator alone; of other size where it is no weight."""
        row = op["inputs"][name]["arguments"][0]
        held = self._const(row["name"]) if "name" in row else None
        old = held["attributes"]["val"] if held is not None else row["value"]
        if "blob" in old and np.size(value) == np.size(read_value(old, self.package).value):
            self.pending[old["blob"]["fileName"], old["blob"].get("offset", 0)] = np.asarray(value)
            return
        made = {"type": copy.deepcopy(old["type"]), "immediate": {"tensor": self._tensor(value, old)}}
        sizes = made["type"]["tensor"].get("dimensions")
        if sizes and not isinstance(value, str | bool):
            made["type"]["tensor"]["dimensions"] = [{"constant": {"size": n}} for n in np.shape(value)]
        if held is None:
            row["value"] = made
            return
        fresh = copy.deepcopy(held)
        fresh["attributes"]["val"] = made
        fresh["outputs"][0] |= {"name": self.fresh(row["name"]), "type": copy.deepcopy(made["type"])}
        self.all.insert(self.all.index(held) + 1, fresh)
        row["name"] = fresh["outputs"][0]["name"]

    def _tensor(self, value: Any, old: Any) -> dict[str, Any]:
        if isinstance(value, str):
            return {"strings": {"values": [value]}}
        values = np.asarray(value)
        if values.dtype == np.float16 or "bytes" in old.get("immediate", {}).get("tensor", {}):
            return {"bytes": {"values": np.ascontiguousarray(values).tobytes()}}
        flat = values.reshape(-1)
        return {_KINDS[values.dtype.kind]: {"values": flat if values.dtype.kind == "f" else flat.astype(int).tolist()}}

    def layers(self) -> list[Layer]:
        """As `Editable.layers`."""
        return [layer for place, op in self.of(*HEAVY) if (layer := self._layer(place, op)) is not None]

    def _layer(self, place: int, op: Op) -> Layer | None:
        name = "y" if op["type"] == "matmul" else "weight"
        stored = self.value(op, name)
        if not isinstance(stored, np.ndarray) or stored.size < LEAST_WEIGHTS or stored.ndim not in (2, 3, 4):
            return None
        wide = stored.reshape(*stored.shape, *(1, 1)[: 4 - stored.ndim])
        order = (1, 2, 3, 0) if op["type"] in ("conv_transpose", "matmul") else (0, 2, 3, 1)
        bias = self.value(op, "bias")

        def set_kernel(values: np.ndarray) -> None:
            self.bind(op, name, values.transpose(np.argsort(order)).reshape(stored.shape).astype(stored.dtype))

        depthwise = op["type"] == "conv" and stored.shape[1] == 1 and len(stored) > 1
        held = bias if isinstance(bias, np.ndarray) and bias.ndim == 1 else None
        return Layer(place, wide.transpose(order), held, set_kernel, partial(self.bind, op, "bias"), depthwise)

    def values(self) -> list[Values]:
        """As `Editable.values`."""
        found = []
        for place, op in enumerate(self.ops):
            for name in op.get("inputs", {}) if op["type"] not in HEAVY else ():
                data = self.value(op, name)
                if (
                    isinstance(data, np.ndarray)
                    and data.dtype.kind == "f"
                    and name in ("x", "y", "alpha", "gamma", "beta")
                ):
                    found.append(Values(place, op["type"], data, partial(self.bind, op, name)))
        return found

    def fresh(self, like: str) -> str:
        """A name that nothing has."""
        taken = {value["name"] for op in self.all for value in op["outputs"]}
        return next(name for k in range(10**6) if (name := f"{like}_{k}") not in taken)

    def reread(self, old: str, new: str, after: Op | None = None) -> None:
        """Every operator behind one that reads `old` reads `new`."""
        start = 0 if after is None else self.all.index(after) + 1
        for op in self.all[start:]:
            for argument in op.get("inputs", {}).values():
                for row in argument.get("arguments", []):
                    if row.get("name") == old:
                        row["name"] = new

    def behind(self, place: int, kind: str, like: Op | None = None, **constants: Any) -> int:
        """Puts an operator behind another's first output, for all who read that; its place.

        `constants` are its other parameters: arrays, or bindings as the package has them.
        """
        op = self.ops[place]
        old, new = self.out(op), self.fresh(f"{kind}_put_in")
        self.reread(old, new, op)
        output = copy.deepcopy(op["outputs"][0])
        output["name"] = new
        dtype = op["outputs"][0]["type"]["tensor"].get("dataType", 11)
        inputs = {"x": {"arguments": [{"name": old}]}}
        for name, value in constants.items():
            inputs[name] = {"arguments": [{"value": _immediate(value, dtype)}]}
        made = {"type": kind, "inputs": inputs, "outputs": [output]}
        self.all.insert(self.all.index(op) + 1, made)
        return place + 1

    def outputs(self) -> list[str]:
        """What the program gives out."""
        return list(self.block["outputs"])


def _immediate(value: np.ndarray, dtype: int) -> dict[str, Any]:
    """A constant that stands in the program; floats in the type of what they are computed with."""
    kinds = {10: np.float16, 11: np.float32}
    number = dtype if value.dtype.kind == "f" else {"i": 23, "b": 1}[value.dtype.kind]
    type = {"tensor": {"dataType": number}}
    if value.ndim:
        type["tensor"] |= {"rank": value.ndim, "dimensions": [{"constant": {"size": n}} for n in value.shape]}
    if value.dtype.kind == "f":
        cast = value.astype(kinds[dtype])
        tensor = {"bytes": {"values": cast.tobytes()}} if dtype == 10 else {"floats": {"values": cast.reshape(-1)}}
    else:
        tensor = {_KINDS[value.dtype.kind]: {"values": value.reshape(-1).astype(int).tolist()}}
    return {"type": type, "immediate": {"tensor": tensor}}
