"""Values inside a .tflite file, and its operators run alone, both on LiteRT's own kernels (no delegate)."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays
from converters.errors import UnsupportedError
from converters.litert.cut import single_operator
from converters.litert.flatbuffer import opened


def trace(path: Path, samples: Iterable[Arrays], indices: Iterable[int]) -> dict[int, np.ndarray]:
    """The values of tensors, (n, *shape) by index, for samples in the file's own names, layout and types."""
    with opened(path) as model:
        number = model.root.SignatureDefs(0).SubgraphIndex() if model.root.SignatureDefsLength() else 0
    if number:
        raise UnsupportedError(f"{path.name}: its signature calls graph {number}; only the first one's values are seen")
    interpreter = _interpreter(model_path=str(path))
    signatures = list(interpreter.get_signature_list())
    if signatures:
        details = interpreter.get_signature_runner(signatures[0]).get_input_details()
    else:
        details = {row["name"]: row for row in interpreter.get_input_details()}
    wanted = tuple(indices)
    found: dict[int, list[np.ndarray]] = {index: [] for index in wanted}
    for sample in samples:
        _feed(interpreter, [(int(row["index"]), sample[name]) for name, row in details.items()])
        for index in wanted:
            found[index].append(interpreter.get_tensor(index))
    return {index: np.stack(values) for index, values in found.items() if len({v.shape for v in values}) == 1}


def run_alone(path: Path, place: int, samples: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """What the operator at `place` of the first graph gives out, stacked, for the values of its computed inputs.

    Raises:
        UnsupportedError: it cannot stand alone, as one that calls another graph.
    """
    with opened(path) as model:
        if model.op_type(model.root.Subgraphs(0).Operators(place)) in ("IF", "WHILE", "CALL", "CALL_ONCE"):
            raise UnsupportedError(f"{path.name}: operator {place} calls another graph")
        interpreter = _interpreter(model_content=single_operator(model, 0, place))
    inputs = [int(row["index"]) for row in interpreter.get_input_details()]
    outputs = [int(row["index"]) for row in interpreter.get_output_details()]
    found: list[list[np.ndarray]] = [[] for _ in outputs]
    for sample in samples:
        _feed(interpreter, list(zip(inputs, sample, strict=True)))
        for place_out, index in enumerate(outputs):
            found[place_out].append(interpreter.get_tensor(index))
    return [np.stack(values) for values in found]


def _feed(interpreter: Any, values: list[tuple[int, np.ndarray]]) -> None:
    shapes = {int(row["index"]): tuple(row["shape"]) for row in interpreter.get_input_details()}
    changed = [(index, value.shape) for index, value in values if shapes.get(index) != value.shape]
    for index, shape in changed:
        interpreter.resize_tensor_input(index, shape)
    if changed:
        interpreter.allocate_tensors()
    for index, value in values:
        interpreter.set_tensor(index, np.ascontiguousarray(value))
    interpreter.invoke()


def _interpreter(**source: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that preserving tensors takes memory
            interpreter = Interpreter(
                **source,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=True,
            )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UnsupportedError(f"LiteRT cannot look inside: {error}") from error
    return interpreter
