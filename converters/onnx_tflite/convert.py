"""TFLite files from ONNX: the pre-pass, then one TensorFlow call for each operator, then TensorFlow's own converter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from converters.contract import ConversionRequest, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.litert.ends import sign
from converters.litert.signature import read_signature
from converters.onnx.load import load
from converters.onnx.prepass.build import attributes
from converters.onnx.prepass.fold import constants_of
from converters.onnx_tflite.values import Value, plain
from converters.words import last_words


def tflite_from_onnx(request: ConversionRequest) -> Signature:
    """Writes the fp32 file in the ONNX file's own layout; returns its signature.

    Raises:
        UnsupportedError: an operator that is neither here nor can be replaced, or one that TensorFlow Lite lacks.
    """
    own = request.source.signature
    model = load(request.source.path)
    onnx.load_external_data_for_model(model, str(request.source.path.parent))
    constants_of(model)
    request.target.write_bytes(lowered(model, {spec.name: spec for spec in own.inputs}))
    sign(request.target, [spec.name for spec in own.inputs], [spec.name for spec in own.outputs])
    found = read_signature(request.target)
    return Signature(_described(found.inputs, own.inputs), _described(found.outputs, own.outputs))


def lowered(model: onnx.ModelProto, inputs: dict[str, TensorSpec]) -> bytes:
    """The content of a .tflite file; its inputs in the order of `inputs`, its outputs in the model's.

    Raises:
        UnsupportedError: an operator that is not here, or that TensorFlow Lite has not.
    """
    import tensorflow as tf

    specs = [tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{n}") for n, spec in enumerate(inputs.values())]

    def call(*tensors: Any) -> list[Any]:
        return _walked(model.graph, dict(zip(inputs, tensors, strict=True)))

    function = tf.function(call, input_signature=specs, autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    try:
        return bytes(converter.convert())
    except Exception as error:  # whatever its passes say
        raise UnsupportedError(f"TensorFlow Lite: {_reason(error)}") from error


def _walked(
    graph: onnx.GraphProto, tensors: dict[str, Any], outer: Mapping[str, Value | None] | None = None
) -> list[Any]:
    """The graph's outputs, node after node; `outer` are the values that a subgraph sees around it."""
    import tensorflow as tf

    values: dict[str, Value | None] = {"": None, **(outer or {})}
    for tensor in graph.initializer:
        values[tensor.name] = Value(np.asarray(onnx.numpy_helper.to_array(tensor)))
    values |= {name: Value(tensor) for name, tensor in tensors.items()}
    for node in graph.node:
        values.update(zip(node.output, _made(node, values), strict=False))
    results = []
    for output in graph.output:
        value = values[output.name]
        assert value is not None
        results.append(tf.identity(plain(value)))
    return results


def _made(node: onnx.NodeProto, values: Mapping[str, Value | None]) -> Sequence[Value]:
    """The outputs of a node."""
    import tensorflow as tf

    from converters.onnx_tflite.boxes import BOXES
    from converters.onnx_tflite.layers import LAYERS
    from converters.onnx_tflite.moves import MOVES
    from converters.onnx_tflite.operators import ELEMENTWISE

    given = attributes(node)
    known = {**BOXES, **ELEMENTWISE, **LAYERS, **MOVES}
    where = f"operator {node.op_type} `{node.name}`"
    if node.op_type == "If":
        return _branched(node, given, values)
    if node.op_type == "Constant":  # of a branch; those of the graph itself are initializers by now
        return [Value(_constant(given, where))]
    if node.domain not in ("", "ai.onnx") or node.op_type not in known:
        raise UnsupportedError(f"operator {node.domain and node.domain + '.'}{node.op_type} is not there")
    if node.op_type == "Split":
        given["outputs"] = len(node.output)
    try:
        return known[node.op_type](given, [values[name] for name in node.input])
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {error}") from error
    except (ValueError, TypeError, NotImplementedError, KeyError, tf.errors.OpError) as error:
        raise UnsupportedError(f"{where}: {last_words(error)}") from error


def _constant(given: dict[str, Any], where: str) -> np.ndarray:
    if "value" in given:
        return np.asarray(onnx.numpy_helper.to_array(given["value"]))
    for key, dtype in (("value_float", "f4"), ("value_floats", "f4"), ("value_int", "i8"), ("value_ints", "i8")):
        if key in given:
            return np.asarray(given[key], dtype)
    raise UnsupportedError(f"{where}: a constant that is no tensor of numbers")


def _branched(node: onnx.NodeProto, given: dict[str, Any], values: Mapping[str, Value | None]) -> Sequence[Value]:
    """If: both branches stay in the file, and see what is around them."""
    import tensorflow as tf

    condition = values[node.input[0]]
    assert condition is not None
    sides = [lambda graph=given[name]: _walked(graph, {}, values) for name in ("then_branch", "else_branch")]
    made = tf.cond(tf.reshape(tf.convert_to_tensor(plain(condition)), []), *sides)
    return [Value(tensor) for tensor in (made if isinstance(made, list | tuple) else [made])]


def _described(found: tuple[TensorSpec, ...], own: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    by_name = {spec.name: spec for spec in found}
    return tuple(
        replace(by_name[spec.name], layout=spec.layout, meaning=spec.meaning, limits=spec.limits) for spec in own
    )


def _reason(error: Exception) -> str:
    """The operators that are lacking, where that is what the converter says."""
    for line in str(error).splitlines():
        if "ops:" in line:
            return line.strip()
    return last_words(error)
