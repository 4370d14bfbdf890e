"""A TensorFlow function with its variables as constants, in one graph, of which any tensor is fed and fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


@dataclass(frozen=True)
class Frozen:
    """A graph and a session of it that rewrites nothing. Inputs and outputs are tensors of the graph, by name."""

    graph: tf.Graph
    inputs: Mapping[str, tf.Tensor]
    outputs: Mapping[str, tf.Tensor]
    session: tf.compat.v1.Session

    def fetch(self, given: Mapping[tf.Tensor, np.ndarray], wanted: Sequence[tf.Tensor]) -> list[np.ndarray]:
        """The values of `wanted` with those of `given` in the place of what the graph computes."""
        found: list[np.ndarray] = self.session.run(list(wanted), dict(given))
        return found


def freeze(function: Any, inputs: Mapping[str, Any]) -> Frozen:
    """A concrete function whose structured result is a mapping by name; `inputs` are its argument tensors by name.

    Functions that it calls are put in line; loops and branches stay operators with bodies.
    """
    outputs = list(function.structured_outputs)  # flattened in the order of their names
    places = {tensor.name: place for place, tensor in enumerate(function.inputs)}
    constant = convert_variables_to_constants_v2(function, lower_control_flow=False, aggressive_inlining=True)
    kept = {tensor.name for tensor in constant.inputs}
    assert all(tensor.name in places for tensor in inputs.values())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(_unordered(constant.graph.as_graph_def()), name="")
    ends = dict(zip(sorted(outputs), (tensor.name for tensor in constant.outputs), strict=True))
    return opened(
        graph,
        {name: graph.get_tensor_by_name(tensor.name) for name, tensor in inputs.items() if tensor.name in kept},
        {name: graph.get_tensor_by_name(ends[name]) for name in outputs},
    )


_FRAMES = frozenset(("Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"))
"""Of the loops and branches of TensorFlow 1, of whose operators the order is part."""


def _unordered(definition: Any) -> Any:
    """The graph without edges that only say what comes first: by them every piece of it hangs on the inputs."""
    if not any(node.op in _FRAMES for node in definition.node):
        for node in definition.node:
            data = [name for name in node.input if not name.startswith("^")]
            del node.input[:]
            node.input.extend(data)
    return definition


def opened(graph: tf.Graph, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Frozen:
    """The graph with its session: operators are computed as they stand, one thread each, none rewritten or fused."""
    options = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    options.graph_options.optimizer_options.opt_level = config_pb2.OptimizerOptions.L0
    return Frozen(graph, inputs, outputs, tf.compat.v1.Session(graph=graph, config=options))
