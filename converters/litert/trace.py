"""Values inside a .tflite file, and its operators run alone: on LiteRT's own kernels, no delegate unless asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays
from converters.errors import UnsupportedError
from converters.graph import Op
from converters.litert.cut import segment
from converters.litert.flatbuffer import opened
from converters.tracer import Values


def trace(path: Path, samples: Iterable[Arrays], indices: Iterable[int]) -> Values:
    """The values of tensors, (n, *shape) by index, for samples in the file's own names, layout and types."""
    with opened(path) as model:
        number = model.root.SignatureDefs(0).SubgraphIndex() if model.root.SignatureDefsLength() else 0
    if number:
        raise UnsupportedError(f"{path.name}: its signature calls graph {number}; only the first one's values are seen")
    interpreter = _interpreter(model_path=str(path))
    wanted = tuple(indices)
    found: dict[int, list[np.ndarray]] = {index: [] for index in wanted}
    for _ in _fed(interpreter, samples):
        for index in wanted:
            found[index].append(interpreter.get_tensor(index))
    return {index: np.stack(values) for index, values in found.items() if len({v.shape for v in values}) == 1}


def extremes(content: bytes, samples: Iterable[Arrays], names: Iterable[str]) -> dict[str, np.ndarray]:
    """The least and the greatest value of tensors in each sample, (n, 2) by name; of those that one tensor has alone.

    Raises:
        UnsupportedError: LiteRT does not run it.
    """
    interpreter = _interpreter(model_content=content)
    places: dict[str, list[int]] = {}
    for row in interpreter.get_tensor_details():
        places.setdefault(str(row["name"]), []).append(int(row["index"]))
    wanted = {name: places[name][0] for name in names if len(places.get(name, ())) == 1}
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in wanted}
    for _ in _fed(interpreter, samples):
        for name, index in wanted.items():
            values = interpreter.get_tensor(index)
            rows[name].append((float(values.min()), float(values.max())) if values.size else (np.nan, np.nan))
    return {name: np.array(ends) for name, ends in rows.items()}


def _fed(interpreter: Any, samples: Iterable[Arrays]) -> Iterator[None]:
    """Runs samples, in the names of the first signature, one after the other."""
    signatures = list(interpreter.get_signature_list())
    if signatures:
        details = interpreter.get_signature_runner(signatures[0]).get_input_details()
    else:
        details = {row["name"]: row for row in interpreter.get_input_details()}
    for number, sample in enumerate(samples):
        _feed(interpreter, [(int(row["index"]), sample[name]) for name, row in details.items()], fresh=not number)
        yield


def run_segment(
    path: Path, operators: Sequence[Op], given: Mapping[int, np.ndarray], wanted: Sequence[int], delegates: bool = False
) -> Values:
    """Values of `wanted` of the first graph, stacked as those of `given` are, computed by `operators` alone.

    By `delegates`, where those are said to, as an interpreter does by default.

    Raises:
        UnsupportedError: one of them calls another graph.
    """
    calling = [op for op in operators if op.type in ("IF", "WHILE", "CALL", "CALL_ONCE")]
    if calling:
        raise UnsupportedError(f"{path.name}: operator {calling[0].index} calls another graph")
    with opened(path) as model:
        content = segment(model, 0, [op.index for op in operators], list(given), wanted)
    interpreter = _interpreter(delegates, model_content=content)
    inputs = [int(row["index"]) for row in interpreter.get_input_details()]
    outputs = [int(row["index"]) for row in interpreter.get_output_details()]
    found: list[list[np.ndarray]] = [[] for _ in wanted]
    for number, sample in enumerate(zip(*given.values(), strict=True)):
        _feed(interpreter, list(zip(inputs, sample, strict=True)), fresh=not number)
        for kept, index in zip(found, outputs, strict=True):
            kept.append(interpreter.get_tensor(index))
    return {index: np.stack(values) for index, values in zip(wanted, found, strict=True)}


def _feed(interpreter: Any, values: list[tuple[int, np.ndarray]], fresh: bool) -> None:
    """Runs it; a `fresh` one is allocated first, for the sizes of the values: with those in the file it may not run."""
    shapes = {int(row["index"]): tuple(row["shape"]) for row in interpreter.get_input_details()}
    changed = [(index, value.shape) for index, value in values if shapes.get(index) != value.shape]
    for index, shape in changed:
        interpreter.resize_tensor_input(index, shape)
    if changed or fresh:
        try:
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise UnsupportedError(f"LiteRT cannot look inside: {error}") from error
    for index, value in values:
        interpreter.set_tensor(index, np.asarray(value, order="C"))  # ascontiguousarray makes a number a vector
    interpreter.invoke()


def _interpreter(delegates: bool = False, **source: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that preserving tensors takes memory
            if delegates:
                return Interpreter(**source, num_threads=1)
            return Interpreter(
                **source,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=True,
            )
    except (ValueError, RuntimeError) as error:
        raise UnsupportedError(f"LiteRT cannot look inside: {error}") from error
