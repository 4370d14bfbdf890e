"""Looking inside a Keras model: its function as a frozen graph, any tensor fed and fetched, on TensorFlow's kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from converters import source
from converters.contract import Arrays, Artifact
from converters.errors import UnsupportedError
from converters.tf_graph.frozen import Frozen, freeze
from converters.tf_graph.graph import Reader, plain_array
from converters.tracer import Tracer, Values, between
from converters.words import last_words


class GraphTracer(Tracer):
    """A frozen graph."""

    def __init__(self, artifact: Artifact, frozen: Frozen) -> None:
        super().__init__(artifact)
        reader = Reader(frozen, artifact.format)
        self.graph = reader.graph
        self._frozen = frozen
        self._tensor = reader.tensor
        self._told = {reader.tensor[index]: value for index, value in reader.told.items()}

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        seen = [index for index in indices if self.graph.tensors[index].dtype not in ("", "str")]
        fed = self._frozen.inputs
        rows = [self._fetch({fed[name]: sample[name] for name in fed}, seen) for sample in samples]
        columns = {index: [row[place] for row in rows] for place, index in enumerate(seen)}
        return {index: np.stack(rows) for index, rows in columns.items() if len({row.shape for row in rows}) == 1}

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`."""
        for op in between(self.graph, given, wanted):
            held = [index for index in (*op.inputs, *op.outputs) if not self.graph.tensors[index].dtype]
            if any(index in given or index in wanted for index in held):
                raise UnsupportedError(f"{op.type} {op.index} works on what is no array, and cannot stand alone")
        rows = []
        for number in range(len(next(iter(given.values())))):
            fed = {self._tensor[index]: values[number] for index, values in given.items()}
            rows.append(self._fetch(self._told | fed, wanted))
        return {index: np.stack([row[place] for row in rows]) for place, index in enumerate(wanted)}

    def _fetch(self, given: Mapping[Any, np.ndarray], wanted: Sequence[int]) -> list[np.ndarray]:
        typed = {tensor: np.asarray(values).astype(tensor.dtype.as_numpy_dtype) for tensor, values in given.items()}
        return [plain_array(value) for value in self._frozen.fetch(typed, [self._tensor[index] for index in wanted])]


def open(artifact: Artifact) -> GraphTracer:
    """Builds the model and freezes its function, with a batch of one where the batch is open.

    Raises:
        ModelError: the builder or the weights cannot be used.
        UnsupportedError: TensorFlow cannot make a graph of the model.
    """
    module = source.keras_wrapper(artifact)
    try:
        function = module.serve.get_concrete_function()
        names = [spec.name for spec in artifact.source.inputs]
        return GraphTracer(artifact, freeze(function, dict(zip(names, function.inputs, strict=False))))
    except Exception as error:
        raise UnsupportedError(f"TensorFlow makes no graph of {artifact.model}: {last_words(error)}") from error
