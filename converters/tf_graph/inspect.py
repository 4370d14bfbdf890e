"""What a SavedModel or a whole Keras model says of itself, read from its frozen graph without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from converters.calling import flatten, invoke_keras
from converters.contract import Format, Signature, TensorSpec
from converters.digest import digest
from converters.errors import EdgeExportError, ModelError, UnsupportedError
from converters.inspection import Inspection, OpInfo, TensorInfo, inspection_of
from converters.model_files import keras_file, saved_model
from converters.model_files.served import Served
from converters.names import kept_names
from converters.sniff import sniff
from converters.tf_graph.frozen import freeze
from converters.tf_graph.graph import Reader
from converters.words import last_words


def inspect(path: Path) -> Inspection:
    """Tensors, operators, signature and canonical hash of the SavedModel folder or Keras file at `path`.

    A model whose graph changes its own variables is stateful; it has no frozen graph, so that its operators are listed
    as they stand. A size that is open is -1.

    Raises:
        ModelError: damaged, or it could run code.
        UnsupportedError: an input or output is no tensor of numbers.
    """
    path = Path(path)
    if sniff(path) is Format.SAVEDMODEL:
        served = saved_model.load(path)
        function, signature, format = served.function, saved_model.signature(served), Format.SAVEDMODEL
        inputs = saved_model.arguments(served)
        if served.stateful:
            return _unfrozen(served, signature)
    else:
        model = keras_file.load(path)
        function, signature = traced(model, path)
        inputs = {spec.name: tensor for spec, tensor in zip(signature.inputs, function.inputs, strict=False)}
        format = Format.KERAS_FILE
    try:
        graph = Reader(freeze(function, inputs), format).graph
    except EdgeExportError:
        raise
    except Exception as error:
        raise UnsupportedError(f"TensorFlow makes no graph of {path.name}: {last_words(error)}") from error
    return inspection_of(graph, signature)


def traced(model: Any, path: Path) -> tuple[Any, Signature]:
    """(a Keras model's inference call as a concrete function of a mapping by name, its signature).

    Raises:
        ModelError: it was never built, so that nobody knows what it takes, or its call fails.
        UnsupportedError: an input is no tensor of numbers.
    """
    own = getattr(model, "inputs", None)
    if not own:
        raise ModelError(
            f"{path} does not say what goes in: the model was saved before it was built. Call it once and save it again"
        )
    names = [tensor.name for tensor in own]
    kept = kept_names(names)
    for tensor in own:
        if tensor.dtype == "string":
            raise UnsupportedError(f"`{tensor.name}` has the type string: only numbers are compared")

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(t.shape, t.dtype) for t in own])
    def serve(*tensors: Any) -> Any:
        outputs = invoke_keras(model, names, tensors)
        flat = flatten(outputs)
        titles = list(getattr(model, "output_names", None) or ())
        if not isinstance(outputs, dict) and len(set(titles)) == len(flat):
            flat = dict(zip(titles, flat.values(), strict=True))
        return dict(zip(kept_names(flat), (tf.identity(value) for value in flat.values()), strict=True))

    try:
        function = serve.get_concrete_function()
    except Exception as error:
        raise ModelError(f"{path} cannot be called: {last_words(error)}") from error
    inputs = tuple(TensorSpec(name, tuple(t.shape), t.dtype) for name, t in zip(kept, own, strict=True))
    outputs = tuple(
        TensorSpec(name, tuple(value.shape.as_list()), value.dtype.name)
        for name, value in function.structured_outputs.items()
    )
    return function, Signature(inputs, outputs)


def _unfrozen(served: Served, signature: Signature) -> Inspection:
    tensors = []
    for held in served.variables:
        values = held.value.numpy()
        finite = bool(np.isfinite(values).all()) if values.dtype.kind == "f" else True
        tensors.append(TensorInfo(held.path, values.shape, str(values.dtype), True, values.nbytes, finite=finite))
    kinds = sorted(kind for _, kind in served.operators if kind not in ("Placeholder", "NoOp", "Const"))
    told = digest(*kinds, *(held.value.numpy().tobytes() for held in served.variables))
    ops = tuple(OpInfo(kind, (), ()) for kind in kinds)
    return Inspection(Format.SAVEDMODEL, signature, tuple(tensors), ops, told.hex(), stateful=True)
