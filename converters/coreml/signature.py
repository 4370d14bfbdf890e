"""Names, layouts and meanings of a package's inputs and outputs, whose own names are such as Swift takes.

A feature's name is the tensor's, with an underscore for what Swift does not take. The signature that our converters
leave in the metadata says what stands for what, by position.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence

from converters.contract import Signature, TensorSpec, signature_from_json
from converters.coreml.package import Package
from converters.coreml.program import Named, Program
from converters.coreml.wire import Message
from converters.errors import ContractError, ModelError, UnsupportedError

KEY = "edge_export.signature"
"""Key in the metadata that Xcode shows as `Additional`."""


def feature_names(specs: Sequence[TensorSpec], taken: Sequence[str] = ()) -> list[str]:
    """A name for each tensor that Core ML and Swift take, unique."""
    found: list[str] = list(taken)
    for spec in specs:
        plain = re.sub(r"\W", "_", spec.name, flags=re.ASCII)
        plain = plain if plain[:1].isalpha() else f"tensor_{plain}"
        name, count = plain, 0
        while name in found:
            count += 1
            name = f"{plain}_{count}"
        found.append(name)
    return found[len(taken) :]


def read_signature(package: Package, program: Program) -> Signature:
    """The signature in the metadata where it fits the program, else one of the program's own names.

    Raises:
        ModelError: the program takes or gives something else than the metadata say.
        UnsupportedError: an input or output is no plain tensor.
    """
    found = Signature(tuple(map(_spec, ends(program)[0])), tuple(map(_spec, ends(program)[1])))
    metadata = package.model["description"].get("metadata", {}).get("userDefined", {})
    if KEY not in metadata:
        return found
    try:
        said = signature_from_json(json.loads(metadata[KEY]))
    except (ValueError, TypeError, KeyError, ContractError) as error:
        raise ModelError(f"{package.path} is damaged: its metadata entry {KEY}: {error}") from error
    for side, ours, own in (("inputs", said.inputs, found.inputs), ("outputs", said.outputs, found.outputs)):
        if [(s.shape, s.dtype) for s in ours] != [(s.shape, s.dtype) for s in own]:
            told = [(spec.shape, spec.dtype) for spec in ours]
            raise ModelError(f"{package.path} is damaged: its {side} are {own}, the signature in it says {told}")
    return said


def write_signature(package: Package, signature: Signature) -> None:
    """Leaves the signature in the model's metadata; `package.write_model` saves it."""
    metadata = package.model["description"].setdefault("metadata", {}).setdefault("userDefined", {})
    metadata[KEY] = json.dumps(dataclasses.asdict(signature))


def ends(program: Program) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """(inputs, outputs) of the function, states left out."""
    made = {value.name: value for op in program.block.operations for value in op.outputs}
    made |= {value.name: value for value in program.inputs}
    missing = [name for name in program.block.outputs if name not in made]
    if missing:
        raise ModelError(f"damaged: nothing makes the output {', '.join(missing)}")
    inputs = tuple(value for value in program.inputs if not value.type.state)
    return inputs, tuple(made[name] for name in program.block.outputs)


def rename(model: Message, names: Mapping[str, str]) -> None:
    """Renames values of the whole program, and features; an inner one that stands in the way gives way."""
    apart = set(names.values()) - set(names)
    table = {**{name: f"{name}__inner" for name in apart}, **names}

    def new(name: str) -> str:
        return table.get(name, name)

    def block(message: Message) -> None:
        for value in message.get("inputs", ()):
            value["name"] = new(value["name"])
        message["outputs"] = [new(name) for name in message.get("outputs", ())]
        for op in message.get("operations", ()):
            for value in op.get("outputs", ()):
                value["name"] = new(value["name"])
            for argument in op.get("inputs", {}).values():
                for binding in argument.get("arguments", ()):
                    if "name" in binding:
                        binding["name"] = new(binding["name"])
            for inner in op.get("blocks", ()):
                block(inner)

    for function in model["mlProgram"]["functions"].values():
        for value in function.get("inputs", ()):
            value["name"] = new(value["name"])
        for specialization in function["blocks"].values():
            block(specialization)
    description = model["description"]
    for place in (description, *description.get("functions", ())):
        for side in ("input", "output", "state"):
            for feature in place.get(side, ()):
                feature["name"] = names.get(feature["name"], feature["name"])


def _spec(value: Named) -> TensorSpec:
    if value.type.dtype in ("", "string"):
        raise UnsupportedError(f"{value.name!r} is no tensor; inputs and outputs are tensors here")
    return TensorSpec(value.name, value.type.shape, value.type.dtype)
