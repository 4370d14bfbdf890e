"""ONNX Runtime: as it is used (`onnxruntime`), with the graph as it stands (`onnxruntime-unfused`), or on a GPU."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from converters.contract import Arrays, Artifact, Format
from converters.device import split_name, threads_of
from converters.errors import ModelError, UnsupportedError
from converters.onnx import providers
from converters.session import Session
from converters.sniff import sniff

UNFUSED = "onnxruntime-unfused"
"""Every operator by its own kernel: no fusion, no folding, no blocked layouts; a yardstick for what those change."""
_LOG_ERRORS = 3
_UNKNOWN = (
    *("is not a registered function/op", "is under development", "Could not find an implementation"),
    "the device does not support it",  # float16 on a GPU that has none
)
_PLACE = re.compile(r"/\S+\.(?:h|cc):\d+ [^\n]*?\) (?=[A-Z])")
"""Where in its own sources ONNX Runtime was when it failed."""
_DAMAGED = (ort.InvalidProtobuf, ort.InvalidGraph, ort.Fail, ort.NoSuchFile, ort.InvalidArgument, ort.RuntimeException)


def open(artifact: Artifact, runtime: str, threads: int) -> OnnxRuntimeSession:
    """A session with `threads` threads inside an operator; the runtime's name says whether the graph is optimised.

    Raises:
        ModelError: the file is damaged, of another format, or does not have the names of its signature.
        UnsupportedError: an operator or opset that this version does not know, in its own words.
    """
    found = sniff(artifact.path)
    if found not in (Format.ONNX, Format.ORT):
        raise ModelError(f"{runtime} opens ONNX and ORT files; {artifact.path} holds {found}")
    threads = threads_of(runtime, threads)
    try:
        session = providers.load(artifact.path, _options(runtime, threads), runtime)
    except ort.NotImplemented as e:
        raise UnsupportedError(f"ONNX Runtime {onnxruntime.__version__}: {e}") from e
    except _DAMAGED as e:
        if providers.REFUSED in str(e):
            raise _left_to_the_cpu(artifact, runtime, threads) from e
        kind = UnsupportedError if any(words in str(e) for words in _UNKNOWN) else ModelError
        said = _PLACE.sub("", str(e))
        raise kind(f"ONNX Runtime {onnxruntime.__version__} does not load {artifact.path}: {said}") from e
    return OnnxRuntimeSession(artifact, session, runtime, threads)


def _options(runtime: str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    unfused = split_name(runtime)[0] == UNFUSED
    options.graph_optimization_level = level.ORT_DISABLE_ALL if unfused else level.ORT_ENABLE_ALL
    options.log_severity_level = _LOG_ERRORS
    return options


def _left_to_the_cpu(artifact: Artifact, runtime: str, threads: int) -> UnsupportedError:
    """What a strict session says: the operators that the GPU leaves to the CPU when it may."""
    loose = runtime.replace(f",{providers.STRICT}", "")
    rows = open(artifact, loose, threads).placement()
    left = Counter(op for op, device in rows if device != "gpu")
    return UnsupportedError(
        f"{left.total()} of {len(rows)} operators of {artifact.path.name} are not for the GPU: "
        f"{', '.join(f'{count} {op}' for op, count in left.most_common())}. Write the model with other operators, or "
        f"let the CPU have these: {loose}"
    )


class OnnxRuntimeSession(Session):
    """An `onnxruntime.InferenceSession`; inputs and outputs bound by name."""

    def __init__(self, artifact: Artifact, session: Any, runtime: str, threads: int) -> None:
        super().__init__(artifact)
        self._runtime, self._threads = runtime, threads
        self._session = session
        self._outputs = [spec.name for spec in artifact.signature.outputs]
        for side, specs, values in (
            ("inputs", artifact.signature.inputs, session.get_inputs()),
            ("outputs", artifact.signature.outputs, session.get_outputs()),
        ):
            wanted, found = [spec.name for spec in specs], [value.name for value in values]
            if sorted(wanted) != sorted(found):
                raise ModelError(f"{artifact.path} has the {side} {found}, its signature says {wanted}")

    def _call(self, inputs: Arrays) -> Arrays:
        return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))

    def placement(self) -> list[tuple[str, str]]:
        """(operator type, execution provider) of each node that one profiled call ran, fusions and casts included."""
        artifact = self.artifact
        known = {spec.name: spec for spec in artifact.source.inputs}
        inputs = {}
        for spec in artifact.signature.inputs:
            sizes = known[spec.name].shape if known[spec.name].layout == spec.layout else (1,) * len(spec.shape)
            shape = [own or size or 1 for own, size in zip(spec.shape, sizes, strict=True)]
            inputs[spec.name] = np.zeros(shape, spec.dtype)
        options = _options(self._runtime, self._threads)
        options.enable_profiling = True
        with tempfile.TemporaryDirectory() as folder:
            options.profile_file_prefix = str(Path(folder) / "profile")
            session = providers.load(artifact.path, options, self._runtime)
            session.run(self._outputs, inputs)
            events = json.loads(Path(session.end_profiling()).read_text())
        rows = [
            (event["args"]["op_name"], event["args"]["provider"])
            for event in events
            if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
        ]
        if split_name(self._runtime)[0] != providers.GPU:
            return rows
        ran = [(op, provider) for op, provider in rows if not op.startswith("Memcpy")]  # between CPU and GPU
        return [(op, "cpu" if provider == providers.CPU else "gpu") for op, provider in ran]

    def close(self) -> None:
        """Frees the session."""
        self._session = None
