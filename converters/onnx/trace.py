"""Values inside an ONNX file, and its nodes run alone, both by ONNX Runtime with the graph as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from converters.contract import Arrays
from converters.errors import UnsupportedError
from converters.graph import Op
from converters.onnx.cut import Whole, segment
from converters.onnx.graph import numbered
from converters.onnx.load import load_whole
from converters.onnx.run_time_weights import settle
from converters.tracer import Values


def trace(path: Path, samples: Iterable[Arrays], indices: Iterable[int]) -> Values:
    """The values of tensors, (n, *shape) by number, for samples in the file's own names, layout and types.

    Those whose shape changes from sample to sample are left out.

    Raises:
        UnsupportedError: ONNX Runtime does not run the file, or its weights in other files are too large.
    """
    model = load_whole(path)
    settle(model, path.parent)
    number = {index: name for name, index in numbered(model.graph).items()}
    shown = {value.name for value in (*model.graph.output, *model.graph.input)}
    wanted = {index: number[index] for index in indices}
    constant = {tensor.name for tensor in model.graph.initializer}
    extra = [name for name in dict.fromkeys(wanted.values()) if name not in shown | constant]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in extra)
    session = _session(model)
    asked = [name for name in dict.fromkeys(wanted.values()) if name not in constant]
    outputs = [name for name in asked if name in {value.name for value in session.get_outputs()}]
    run = session.run if outputs else lambda *_: ()  # asked for no output, ONNX Runtime gives all of them
    rows = [{**sample, **dict(zip(outputs, run(outputs, sample), strict=True))} for sample in samples]
    found = {index: [row[name] for row in rows] for index, name in wanted.items() if rows and name in rows[0]}
    return {index: np.stack(values) for index, values in found.items() if len({v.shape for v in values}) == 1}


def run_segment(path: Path, operators: Sequence[Op], given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
    """Values of `wanted`, stacked as those of `given` are, computed by `operators` alone.

    Raises:
        UnsupportedError: they cannot stand alone, as one with a body.
    """
    whole, name = _loaded(path, path.stat().st_mtime_ns)
    types = {name[index]: values.dtype for index, values in given.items()}
    asked = [name[index] for index in wanted]
    session = _session(segment(whole, [op.index for op in operators], types, asked))
    samples = zip(*given.values(), strict=True)
    rows = [session.run(asked, dict(zip(types, map(np.asarray, sample), strict=True))) for sample in samples]
    return {index: np.stack(values) for index, values in zip(wanted, zip(*rows, strict=True), strict=True)}


@lru_cache(maxsize=2)
def _loaded(path: Path, changed: int) -> tuple[Whole, dict[int, str]]:
    """The model, read only, and the name of each tensor by its number: hundreds of pieces are cut from one file."""
    model = settle(load_whole(path), path.parent)
    return Whole.of(model), {index: name for name, index in numbered(model.graph).items()}


def _session(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what fails is told by its exception
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base
        raise UnsupportedError(f"ONNX Runtime cannot look inside: {str(error)[:300]}") from error
