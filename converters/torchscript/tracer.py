"""Looking inside TorchScript: its graph with all calls in line, node by node, on PyTorch's own kernels."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from converters.contract import Arrays, Artifact, TensorSpec
from converters.errors import UnsupportedError
from converters.model_files.script import keeps_state
from converters.torchscript.archive import load
from converters.torchscript.graph import Reader, array, reads
from converters.torchscript.values import Known, compute, constants
from converters.tracer import Tracer, Values, between


class TorchScriptTracer(Tracer):
    """A TorchScript archive. Branches and loops are one operator each; changes in place are replaced where possible."""

    def __init__(
        self,
        artifact: Artifact,
        module: Any,
        specs: Sequence[TensorSpec],
        input_names: Sequence[str],
        output_names: Sequence[str],
    ) -> None:
        super().__init__(artifact)
        self._inlined = _in_line(module)
        shown = self._once(module, specs)
        with torch.no_grad():
            self._constant = constants(self._inlined, module, shown)
        reader = Reader(self._inlined, self._constant, shown)
        self.graph = reader.graph(input_names, output_names)
        self._nodes = reader.nodes
        self._maker: dict[int, int] = {v.unique(): place for place, node in self._nodes.items() for v in node.outputs()}
        self._own: dict[int, list[int]] = {}
        for unique, index in reader.index.items():
            self._own.setdefault(index, []).append(unique)

    def _once(self, module: Any, specs: Sequence[TensorSpec]) -> Known | None:
        """All values of one call with zeros of the sizes that the signature says; None where it says none."""
        inputs = list(self._inlined.inputs())
        if len(specs) != len(inputs) - 1:
            return None
        known: Known = {inputs[0].unique(): module}
        for value, spec in zip(inputs[1:], specs, strict=True):
            known[value.unique()] = torch.zeros([n or 1 for n in spec.shape], dtype=getattr(torch, spec.dtype))
        with torch.no_grad():
            compute(self._inlined.nodes(), known)
        return known

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        names = self.graph.input_names
        rows = []
        for sample in samples:
            values = [sample[name] for name in names] if set(sample) == set(names) else list(sample.values())
            rows.append(self._compute(self._nodes.values(), dict(zip(self.graph.inputs, values, strict=True)), indices))
        kept = [index for index in indices if rows and all(index in row for row in rows)]
        return {
            index: np.stack([row[index] for row in rows])
            for index in kept
            if len({row[index].shape for row in rows}) == 1
        }

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        between(self.graph, given, wanted)
        nodes = self._needed(given, wanted)
        rows = []
        for number in range(len(next(iter(given.values())))):
            rows.append(self._compute(nodes, {index: values[number] for index, values in given.items()}, wanted))
        if any(index not in row for row in rows for index in wanted):
            raise UnsupportedError("an operator gives out what is no array, and cannot stand alone")
        return {index: np.stack([row[index] for row in rows]) for index in wanted}

    def _needed(self, given: Iterable[int], wanted: Iterable[int]) -> list[Any]:
        """The nodes that compute `wanted` from `given` and constants, in the order of the graph."""
        known = {unique for index in given for unique in self._own[index]}
        places = self._before([unique for index in wanted for unique in self._own.get(index, ())], known)
        for place, node in self._nodes.items():
            if _changes(node):
                chain, reached = self._upon(place, places, known)
                read = [value.unique() for part in chain for value in self._nodes[part].inputs()]
                places |= chain | self._before(read, known) if reached else set()
        return [node for place, node in self._nodes.items() if place in places]

    def _before(self, open_ends: list[int], known: set[int]) -> set[int]:
        """The places of the nodes that compute values, but for those that are known."""
        seen = known | set(self._constant)
        places: set[int] = set()
        while open_ends:
            unique = open_ends.pop()
            if unique not in seen and unique in self._maker:
                seen.add(unique)
                places.add(self._maker[unique])
                open_ends += [value.unique() for value in reads(self._nodes[self._maker[unique]])]
        return places

    def _upon(self, place: int, places: set[int], known: set[int]) -> tuple[set[int], bool]:
        """A node that changes a part of a value, with the views in between; and whether that value is there."""
        chain = {place}
        value = next(self._nodes[place].inputs()).unique()
        while value not in known and value in self._maker and self._maker[value] not in places:
            chain.add(self._maker[value])
            value = next(self._nodes[self._maker[value]].inputs()).unique()
        return chain, value in known or value in self._maker

    def _compute(
        self, nodes: Collection[Any], given: Mapping[int, np.ndarray], wanted: Sequence[int]
    ) -> dict[int, np.ndarray]:
        """The values of `wanted`, but for those that a later operator changes in place: they have two."""
        known: Known = dict(self._constant)
        for index, values in given.items():
            tensor = torch.from_numpy(np.array(values, order="C"))
            known |= dict.fromkeys(self._own[index], tensor)
        asked = {unique: index for index in wanted for unique in self._own.get(index, ())}
        tensors = self.graph.tensors
        found = {index: data for index in wanted if (data := tensors[index].data) is not None}
        found |= {index: values for index, values in given.items() if index in wanted}
        with torch.no_grad():
            for node in nodes:
                compute([node], known)
                for value in node.outputs():
                    index, made = asked.get(value.unique(), -1), known[value.unique()]
                    if index not in given and isinstance(made, torch.Tensor | bool | int | float):
                        found[index] = array(made)
        if any(map(_changes, nodes)):
            ends = {index: array(known[unique]) for unique, index in asked.items() if unique in known}
            changed = [i for i, end in ends.items() if i in found and not np.array_equal(end, found[i], equal_nan=True)]
            found = {index: values for index, values in found.items() if index not in changed}
        return {index: values for index, values in found.items() if index in wanted}


def _changes(node: Any) -> bool:
    """Whether an operator changes what it reads."""
    return str(node.kind()).startswith("aten::") and node.kind()[-1] == "_" and node.kind()[-2] != "_"


def _in_line(module: Any) -> Any:
    """The graph with all calls in line, attributes as constants, and known branches and short loops followed."""
    with contextlib.suppress(RuntimeError):  # what cannot be frozen is read with its attributes
        module = torch.jit.freeze(module, optimize_numerics=False)
    graph = module.inlined_graph.copy()
    for step in (
        "constant_propagation",
        "constant_loop_unrolling",
        "constant_propagation",
        "remove_mutation",
        "dce",
    ):
        with contextlib.suppress(RuntimeError):  # a pass that meets what it does not know leaves the graph as it is
            getattr(torch._C, f"_jit_pass_{step}")(graph)
    return graph


def open(artifact: Artifact) -> TorchScriptTracer:
    """Opens the archive, of a format that holds TorchScript, for looking inside.

    Raises:
        ModelError: another format, or damaged.
        UnsupportedError: it changes its own attributes.
    """
    module, signature = load(artifact.path, artifact.format)
    if changed := keeps_state(module):
        raise UnsupportedError(
            f"the model keeps values from one call to the next (`{changed}`): its layers have no one value"
        )
    sides = (signature.inputs, signature.outputs) if signature else ((), ())
    names = [[spec.name for spec in specs] for specs in sides]
    specs = signature.inputs if signature else artifact.signature.inputs
    return TorchScriptTracer(artifact, module, specs, names[0], names[1])
