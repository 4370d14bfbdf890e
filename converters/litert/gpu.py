"""TFLite files run by LiteRT's CompiledModel on a GPU: `litert-gpu[device]`, with `fp32` and `strict` variants.

As apps use it, the CPU takes what the GPU cannot; `strict` refuses such files. Without `fp32` the GPU may compute in
float16 where that is faster. Whether a file is on the GPU is read from what the delegate says: `is_fully_accelerated`
is true, too, where the CPU's own delegate has taken all of it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact
from converters.device import split_name, threads_of
from converters.devices.gpu import short_name
from converters.errors import EdgeExportError, ToolkitError, UnavailableError, UnsupportedError
from converters.litert import cut, delegate
from converters.litert.dynamic import sized_at_run_time
from converters.litert.flatbuffer import Model, opened
from converters.litert.inspect import keeps_state
from converters.litert.runtime import require_names
from converters.litert.signature import signature_key
from converters.litert.stderr import listening
from converters.session import Session

STRICT, FP32 = "strict", "fp32"
TRIES = 64
"""Kinds of operators tried alone, at most, to find out which of a type the delegate refuses."""
_ADAPTER = re.compile(r"Selected adapter: (.*?), arch=")
_UNRESOLVED = re.compile(r"unresolved custom op: ([\w./-]*\w)")
_NO_GPU = re.compile(r"Couldn't load Vulkan: .*|No adapters found|Failed to initialize WebGPU environment")
_ERROR = re.compile(r"^(?:ERROR:|E\d{4} [^\]\n]*\]) +([^\[\s].*)$", re.MULTILINE)
_PASSED = ("float32", "float16", "int32", "int8", "uint8", "bool")
_CARRIERS = {1: np.int8, 2: np.float16, 4: np.int32, 8: np.int32}
"""What the bytes of other types go through its buffers as, by their size."""
_chosen: list[str] = []
"""The GPU that LiteRT has chosen; it says so with the first compilation of a process only."""


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """A session on the GPU that the runtime's name says.

    Raises:
        ModelError: the file is damaged.
        UnsupportedError: what in it cannot run: sizes known only at run time, unknown operators; in strict mode all
            that the GPU leaves to the CPU. The message names the operators.
        UnavailableError: LiteRT does not reach the GPU.
        ContractError: its names are not those of the artifact's signature.
    """
    with opened(artifact.path) as model:  # the toolkit aborts on some damage that this finds
        stateful = keeps_state(model)
        _refuse_what_it_loses(model, artifact)
    return GpuSession(artifact, runtime, threads, stateful)


class GpuSession(Session):
    """A compiled model with its buffers, bound by signature name; resized where the file leaves sizes open."""

    def __init__(self, artifact: Artifact, runtime: str, threads: int, stateful: bool = False) -> None:
        super().__init__(artifact)
        self.stateful = stateful
        self.runtime, self.threads = runtime, threads_of(runtime, threads)
        self.options = split_name(runtime)[1]
        self._open = [spec.name for spec in artifact.signature.inputs if None in spec.shape]
        self._dtypes = {spec.name: np.dtype(spec.dtype) for spec in artifact.signature.outputs}
        self._model: Any = None
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._compile()

    def reset(self) -> None:
        """A newly compiled model where the file keeps state."""
        if self.stateful:
            self._compile()

    def close(self) -> None:
        """Frees the buffers and the model."""
        self._inputs.clear()
        self._outputs.clear()
        self._model = None

    def placement(self) -> list[tuple[str, str]]:
        """Each operator of a call with `gpu` or `cpu`; with `unknown` where the delegate's message leaves it open."""
        return [(row.type, row.device) for row in self.placed()]

    def placed(self) -> list[delegate.Placed]:
        """The same with places in the file, and the reason where an operator is not on the GPU."""
        with opened(self.artifact.path) as model:
            return delegate.placed(model, self._said, _Trial(model, FP32 in self.options).refuses)

    def _compile(self) -> None:
        self.close()
        path, strict = self.artifact.path, STRICT in self.options
        cause: Exception | None = None
        with listening() as words:
            try:
                self._model = _compiled(str(path), strict, FP32 in self.options, self.threads)
            except RuntimeError as error:
                cause = error
        _chosen.extend(_ADAPTER.findall(words.text))
        self._said = delegate.messages(words.text)
        if cause:
            raise self._failure(words.text, cause) from cause
        if strict and (self._said or not self._model.is_fully_accelerated()):
            raise self._not_whole()
        self._require_device()
        signatures = self._model.get_signature_list()
        self._signature = signature_key(path) or next(iter(signatures))
        self._names = signatures[self._signature]
        require_names(self.artifact, self._names["inputs"], self._names["outputs"])
        self._allocate({})

    def _allocate(self, sizes: dict[str, tuple[int, ...]]) -> None:
        """Buffers by name, after the inputs of `sizes` have got them."""
        model, key, names = self._model, self._signature, self._names
        with listening():  # to tensors that it has no best buffer for it has something to say
            for name, size in sizes.items():
                model.resize_input_tensor_by_name(key, name, size)
            inputs, outputs = model.get_input_tensor_details(key), model.get_output_tensor_details(key)
            self._inputs = {name: model.create_input_buffer_by_name(key, name) for name in names["inputs"]}
            self._outputs = {name: model.create_output_buffer_by_name(key, name) for name in names["outputs"]}
        self._shapes = {name: tuple(int(size) for size in outputs[name]["shape"]) for name in names["outputs"]}
        self._sizes = {name: tuple(inputs[name]["shape"]) for name in self._open}

    def _call(self, inputs: Arrays) -> Arrays:
        sizes = {name: inputs[name].shape for name in self._open}
        if sizes != self._sizes:
            self._sizes = {}  # what fails half way is no size
            self._allocate(sizes)
        for name, buffer in self._inputs.items():
            value = inputs[name]
            buffer.write(value if value.dtype.name in _PASSED else value.reshape(-1).view(_carrier(value.dtype)))
        self._model.run_by_name(self._signature, self._inputs, self._outputs)
        return {name: self._read(name) for name in self._outputs}  # a run returns before its work is done

    def _read(self, name: str) -> np.ndarray:
        shape, dtype = self._shapes[name], self._dtypes[name]
        carrier = dtype if dtype.name in _PASSED else np.dtype(_carrier(dtype))
        count = int(np.prod(shape)) * dtype.itemsize // carrier.itemsize
        values: np.ndarray = self._outputs[name].read(count, carrier)
        return values.view(dtype).reshape(shape)

    def _failure(self, words: str, cause: Exception) -> EdgeExportError:
        """Why a file does not compile, from what the toolkit said meanwhile."""
        name = self.artifact.path.name
        if found := _NO_GPU.search(words):
            return UnavailableError(f"{self.runtime}: LiteRT reaches no GPU ({found[0]}); see `edge-export devices`")
        if custom := sorted(set(_UNRESOLVED.findall(words))):
            return UnsupportedError(
                f"{name}: LiteRT has no kernel for {', '.join(custom)}, on the GPU or the CPU; it needs an app that "
                "registers the operator, or a model without it"
            )
        with opened(self.artifact.path) as model:
            ops = sized_at_run_time(model)
        if ops and not self._said:  # it says so itself with the first such file of a process only
            return UnsupportedError(
                f"{name} has tensors of dynamic size, which the GPU delegate takes in no mode: the outputs of "
                f"{', '.join(ops)} have no size before they run; convert the model with fixed shapes, or run it on "
                "the CPU (litert-xnnpack)"
            )
        if self._said:
            return self._not_whole()
        said = [*_ERROR.findall(words), *(line.strip("└ ") for line in str(cause).splitlines()[1:])]
        return ToolkitError(
            f"LiteRT does not compile {name} for {self.runtime}: {'; '.join(filter(None, said[-3:])) or cause}"
        )

    def _not_whole(self) -> UnsupportedError:
        rows = self.placed()
        left = sum(row.device != delegate.GPU for row in rows)
        return UnsupportedError(
            f"{left} of {len(rows)} operators of {self.artifact.path.name} are not for the GPU: {delegate.told(rows)}. "
            f"Write the model with other operators, or let the CPU have these: litert-gpu without `{STRICT}`"
        )

    def _require_device(self) -> None:
        if self.options and _chosen and short_name(_chosen[-1]) != self.options[0]:
            raise UnavailableError(
                f"{self.runtime}: LiteRT has chosen {_chosen[-1]} instead; let VK_DRIVER_FILES name the right driver"
            )


class _Trial:
    """Operators of a file compiled alone for the GPU, each kind once."""

    def __init__(self, model: Model, fp32: bool) -> None:
        self._model, self._fp32 = model, fp32
        self._answers: dict[object, bool | None] = {}

    def refuses(self, graph: int, place: int) -> bool | None:
        """Whether the delegate refuses an operator; None where there are too many to try, or for another failure."""
        kind = cut.alike(self._model, graph, place)
        if kind not in self._answers:
            self._answers[kind] = self._try(graph, place) if len(self._answers) < TRIES else None
        return self._answers[kind]

    def _try(self, graph: int, place: int) -> bool | None:
        with listening() as words:
            try:
                _compiled(cut.single_operator(self._model, graph, place), True, self._fp32, 1)
                failed = False
            except RuntimeError:
                failed = True
        refused = bool(delegate.messages(words.text))
        return None if failed and not refused else refused


def _refuse_what_it_loses(model: Model, artifact: Artifact) -> None:
    """CompiledModel leaves an output that is an input unwritten: what is read there is whatever the memory held."""
    graph = model.root.Subgraphs(0)
    passed = {int(i) for i in model.items(graph, "Inputs")} & {int(i) for i in model.items(graph, "Outputs")}
    if passed:
        names = ", ".join((graph.Tensors(index).Name() or b"").decode() for index in sorted(passed))
        raise UnsupportedError(
            f"{artifact.path.name} gives its input {names} out again as it is, which LiteRT's CompiledModel loses; "
            "take that output away"
        )


def _carrier(dtype: np.dtype[Any]) -> type:
    return _CARRIERS[dtype.itemsize]


@cache
def _environment() -> Any:
    """One for the process: what is compiled for one file serves the next."""
    from ai_edge_litert import compiled_model

    return compiled_model._create_default_environment()


def _compiled(file: str | bytes, strict: bool, fp32: bool, threads: int) -> Any:
    """A compiled model of a path or of a file's bytes, for the GPU alone or with the CPU for the rest."""
    from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, GpuOptions, HardwareAccelerator, Options

    options = Options(
        hardware_accelerators=HardwareAccelerator.GPU if strict else HardwareAccelerator.GPU | HardwareAccelerator.CPU,
        cpu_options=CpuOptions(num_threads=threads),
        gpu_options=GpuOptions(enforce_f32=fp32),
    )
    load = CompiledModel.from_file if isinstance(file, str) else CompiledModel.from_buffer
    return load(file, environment=_environment(), options=options)
