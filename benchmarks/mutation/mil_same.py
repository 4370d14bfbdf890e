"""Honest changes of Core ML packages: other bytes or other operators, the same model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from benchmarks.mutation.layer import Change, pick
from benchmarks.mutation.mil import HEAVY, Mil


def written_again(file: Mil, rng: np.random.Generator) -> bool:
    return True


def values_renamed(file: Mil, rng: np.random.Generator) -> bool:
    """Everything inside has another name."""
    keep = set(file.outputs()) | {value["name"] for value in file.package.model["description"]["input"]}
    names: dict[str, str] = {}

    def fresh(name: str) -> str:
        return name if name in keep else names.setdefault(name, f"v{len(names) * 31 % 997}_{len(names)}")

    if any(op.get("blocks") for op in file.all):
        return False
    for op in file.all:
        for value in op["outputs"]:
            value["name"] = fresh(value["name"])
        for argument in op.get("inputs", {}).values():
            for row in argument.get("arguments", []):
                if "name" in row:
                    row["name"] = fresh(row["name"])
    return True


def operators_reordered(file: Mil, rng: np.random.Generator) -> bool:
    """Another topological order; constants first."""
    waiting, order = list(file.all), []
    made = {value["name"] for op in waiting for value in op["outputs"]}
    if any(op.get("blocks") for op in waiting):
        return False
    known: set[str] = set()
    while waiting:
        ready = [op for op in waiting if all(name in known or name not in made for name in _read(op))]
        op = ready[int(rng.integers(len(ready)))]
        waiting.remove(op)
        order.append(op)
        known |= {value["name"] for value in op["outputs"]}
    file.block["operations"] = order
    return True


def constants_doubled(file: Mil, rng: np.random.Generator) -> bool:
    """Small constants are written where they are read."""
    held = {file.out(op): op["attributes"]["val"] for op in file.all if op["type"] == "const"}
    done = False
    for op in file.ops:
        for argument in op.get("inputs", {}).values():
            rows = argument.get("arguments", [])
            value = held.get(rows[0].get("name", "")) if len(rows) == 1 else None
            if value is not None and "immediate" in value:
                rows[0].pop("name")
                rows[0]["value"] = copy.deepcopy(value)
                done = True
    return done


def weights_in_another_order_of_sums(file: Mil, rng: np.random.Generator) -> bool:
    done = False
    for layer in file.layers():
        if layer.kernel.dtype == np.float32:
            layer.set_kernel((layer.kernel * (1 + 1e-7 * rng.normal(size=layer.kernel.shape))).astype(np.float32))
            done = True
    return done


def zero_added(file: Mil, rng: np.random.Generator) -> bool:
    return _behind(file, rng, "add", y=np.float32(0))


def times_one(file: Mil, rng: np.random.Generator) -> bool:
    return _behind(file, rng, "mul", y=np.float32(1))


def identity_put_in(file: Mil, rng: np.random.Generator) -> bool:
    return _behind(file, rng, "identity")


def commuted(file: Mil, rng: np.random.Generator) -> bool:
    done = False
    for _, op in file.of("add", "mul"):
        op["inputs"]["x"], op["inputs"]["y"] = op["inputs"]["y"], op["inputs"]["x"]
        done = True
    return done


def dead_operator(file: Mil, rng: np.random.Generator) -> bool:
    place, op = pick(file.of(*HEAVY), rng)
    if op is not None:
        output = copy.deepcopy(op["outputs"][0])
        output["name"] = file.fresh("dead")
        read = {"x": {"arguments": [{"name": file.out(op)}]}}
        file.all.insert(file.all.index(op) + 1, {"type": "relu", "inputs": read, "outputs": [output]})
    return place is not None


def metadata_added(file: Mil, rng: np.random.Generator) -> bool:
    metadata = file.package.model["description"].setdefault("metadata", {}).setdefault("userDefined", {})
    metadata["made"] = "again"
    return True


def relu6_as_clip(file: Mil, rng: np.random.Generator) -> bool:
    place, op = pick([(p, o) for p, o in file.of("relu6") if file.out(o) not in file.outputs()], rng)
    if op is not None:
        op["type"] = "relu"
        file.behind(place, "clip", alpha=np.float32(-1), beta=np.float32(6))
    return op is not None


def _behind(file: Mil, rng: np.random.Generator, kind: str, **constants: Any) -> bool:
    place, op = pick([(p, o) for p, o in file.of(*HEAVY) if file.out(o) not in file.outputs()], rng)
    if op is not None:
        file.behind(place, kind, **constants)
    return op is not None


def _read(op: dict[str, Any]) -> list[str]:
    return [row["name"] for a in op.get("inputs", {}).values() for row in a.get("arguments", []) if "name" in row]


MIL_VARIANTS: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(written_again, values_renamed, operators_reordered, constants_doubled, weights_in_another_order_of_sums),
        *(zero_added, times_one, identity_put_in, commuted, dead_operator, metadata_added, relu6_as_clip),
    )
}
