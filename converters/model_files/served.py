"""A signature of a SavedModel, called as a Keras model is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHANGES = frozenset(("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterUpdate"))
"""Operators that keep a value for the next call."""


class Served:
    """A signature of a SavedModel: `served({name: tensor})` gives `{name: tensor}`, in TensorFlow's own kernels."""

    built = True

    def __init__(self, loaded: Any, function: Any) -> None:
        self.loaded = loaded  # frees its variables when it goes
        self.function = function
        self.variables = [_Held(variable) for variable in function.graph.variables]
        self.trainable_weights = [held for held in self.variables if held.value.trainable]
        self.output_names = sorted(function.structured_outputs)
        library = function.graph.as_graph_def().library.function
        self.operators = [(op.name, op.type) for op in function.graph.get_operations()]
        self.operators += [(node.name, node.op) for body in library for node in body.node_def]
        self.stateful = any(kind in CHANGES for _, kind in self.operators)
        self._first = [variable.numpy() for variable in function.graph.variables] if self.stateful else []

    def __call__(self, tensors: Mapping[str, Any], training: bool = False) -> Any:
        """The outputs by name; a SavedModel has one mode, whatever `training` says."""
        import tensorflow as tf

        types = self.function.structured_input_signature[1]
        return self.function(
            **{name: tf.convert_to_tensor(value, types[name].dtype) for name, value in tensors.items()}
        )

    def reset(self) -> None:
        """Puts its variables back to what the file holds."""
        for held, value in zip(self.variables, self._first, strict=False):
            held.value.assign(value)


class _Held:
    """A variable as Keras shows its own."""

    def __init__(self, variable: Any) -> None:
        self.value, self.path, self.shape = variable, variable.name.partition(":")[0], variable.shape
