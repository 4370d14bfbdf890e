"""TFLite files run by LiteRT's interpreter: by XNNPACK (`litert-xnnpack`) or reference kernels (`litert-reference`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact
from converters.device import split_name, threads_of
from converters.errors import ContractError, ModelError, UnsupportedError
from converters.litert.flatbuffer import opened
from converters.litert.inspect import custom_operators, keeps_state
from converters.session import Session

XNNPACK, REFERENCE = "litert-xnnpack", "litert-reference"
_UNRESOLVED = re.compile(r"unresolved custom op: ([\w./-]*\w)")
_NO_KERNEL = re.compile(r"unresolved custom op|TensorFlow ops?\b|TensorFlow op\(s\)")


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """A session on the kernels that the runtime's name says.

    Raises:
        ModelError: the file is damaged, or the interpreter refuses it.
        UnsupportedError: operators that LiteRT has no kernel for.
        ContractError: its names are not those of the artifact's signature.
    """
    with opened(artifact.path) as model:  # the interpreter aborts on some damage that this finds
        stateful, custom = keeps_state(model), custom_operators(model)
    return LiteRTSession(artifact, runtime, threads, stateful, custom)


class LiteRTSession(Session):
    """An allocated interpreter with its tensors bound by signature name; resized where the file leaves sizes open."""

    def __init__(
        self, artifact: Artifact, runtime: str, threads: int, stateful: bool = False, custom: tuple[str, ...] = ()
    ) -> None:
        super().__init__(artifact)
        self.stateful, self._custom = stateful, custom
        self.runtime, self.threads = split_name(runtime)[0], threads_of(runtime, threads)
        interpreter = self._interpreter()
        inputs, outputs = _bind(interpreter)
        require_names(artifact, inputs, outputs)
        self._inputs, self._outputs = list(inputs.items()), list(outputs.items())
        self._sizes = _first_sizes(artifact)
        self.interpreter = self._allocated(interpreter, self._sizes)

    def reset(self) -> None:
        """A new interpreter where the file keeps state: resetting variables leaves resource variables as they are."""
        if self.stateful:
            self.interpreter = self._allocated(self._interpreter(), self._sizes)

    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = OpResolverType.BUILTIN_REF if self.runtime == REFERENCE else OpResolverType.BUILTIN
        try:
            return Interpreter(
                str(self.artifact.path), num_threads=self.threads, experimental_op_resolver_type=resolver
            )
        except ValueError as error:
            raise ModelError(f"LiteRT cannot open {self.artifact.path}: {error}") from error
        except RuntimeError as error:
            raise self._named(error) from error

    def _allocated(self, interpreter: Any, sizes: dict[str, tuple[int, ...]]) -> Any:
        """The interpreter, its inputs of open size given those sizes."""
        for name, index in self._inputs:
            if name in sizes:
                interpreter.resize_tensor_input(index, sizes[name])
        try:
            interpreter.allocate_tensors()
        except RuntimeError as error:
            raise self._named(error) from error
        return interpreter

    def _named(self, error: RuntimeError) -> Exception:
        """The error, or where operators have no kernel one that names them: LiteRT names the first, or none."""
        if not _NO_KERNEL.search(str(error)):
            return error
        first = _UNRESOLVED.findall(str(error))
        flex = [name for name in self._custom if name.startswith("Flex")]
        others = [name for name in self._custom if name not in first]
        beside = f" (the file's other custom operators: {', '.join(others)})" if first and others else ""
        return UnsupportedError(f"{self.runtime} has no kernel for {', '.join(first or flex)}{beside}")

    def _call(self, inputs: Arrays) -> Arrays:
        interpreter = self.interpreter
        sizes = {name: inputs[name].shape for name in self._sizes}
        if sizes != self._sizes:
            self._allocated(interpreter, sizes)
            self._sizes = sizes
        for name, index in self._inputs:
            interpreter.set_tensor(index, inputs[name])
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in self._outputs}

    def placement(self) -> list[tuple[str, str]]:
        """Each operator of the file with `xnnpack`, or with `builtin` or `reference` where the delegate left it."""
        rest = "reference" if self.runtime == REFERENCE else "builtin"
        nodes = self.interpreter._get_ops_details()
        delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
        nodes = [node for node in nodes if node["op_name"] != "DELEGATE"]
        taken = _delegated(nodes, delegates)
        return [(node["op_name"], "xnnpack" if place in taken else rest) for place, node in enumerate(nodes)]


def _first_sizes(artifact: Artifact) -> dict[str, tuple[int, ...]]:
    """Sizes for the inputs of open size until the first call tells: the source's where it has them, else 1."""
    known = {spec.name: spec for spec in artifact.source.inputs}
    sizes = {}
    for spec in artifact.signature.inputs:
        if None in spec.shape:
            source = known.get(spec.name)
            alike = source is not None and source.layout == spec.layout and len(source.shape) == len(spec.shape)
            hints = source.shape if source is not None and alike else spec.shape
            sizes[spec.name] = tuple(own or hint or 1 for own, hint in zip(spec.shape, hints, strict=True))
    return sizes


def require_names(artifact: Artifact, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Raises ContractError where a file's inputs or outputs are not those of the artifact's signature."""
    for side, specs, found in (
        ("inputs", artifact.signature.inputs, set(inputs)),
        ("outputs", artifact.signature.outputs, set(outputs)),
    ):
        if {spec.name for spec in specs} != found:
            raise ContractError(f"{artifact.path.name} has the {side} {sorted(found)}, not {[s.name for s in specs]}")


def _bind(interpreter: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Tensor indices of inputs and outputs by the names of the first signature, else by tensor names."""
    signatures = list(interpreter.get_signature_list())
    if signatures:
        runner = interpreter.get_signature_runner(signatures[0])
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
    else:
        inputs = {details["name"]: details for details in interpreter.get_input_details()}
        outputs = {details["name"]: details for details in interpreter.get_output_details()}
    return ({n: int(d["index"]) for n, d in inputs.items()}, {n: int(d["index"]) for n, d in outputs.items()})


def _delegated(nodes: list[dict[str, Any]], delegates: list[dict[str, Any]]) -> set[int]:
    """Places of the nodes that delegates replaced: those between a delegate's outputs and its inputs."""
    makers = {int(index): place for place, node in enumerate(nodes) for index in node["outputs"]}
    taken: set[int] = set()
    for delegate in delegates:
        edge = {int(index) for index in np.asarray(delegate["inputs"])}
        open_ends = [int(index) for index in delegate["outputs"]]
        while open_ends:
            place = makers.get(open_ends.pop())
            if place is None or place in taken:
                continue
            taken.add(place)
            open_ends += [int(index) for index in nodes[place]["inputs"] if int(index) not in edge]
    return taken
