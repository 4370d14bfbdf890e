"""TFLite files from ONNX by onnx-tf 1.10 and TensorFlow's converter of its time: the ONNX file's own layout."""

from __future__ import annotations

import tempfile
from dataclasses import replace

from converters.contract import ConversionRequest, Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.litert.ends import rename_ends
from converters.litert.signature import read_signature
from converters.onnx.ends import plain_ends
from converters.onnx_tf.opset import told_in_13
from converters.words import last_words


def tflite_by_onnx_tf(request: ConversionRequest) -> Signature:
    """Writes the fp32 file; returns its signature.

    Raises:
        UnsupportedError: an operator that opset 13, onnx-tf or TensorFlow Lite lacks.
    """
    import onnx
    import tensorflow as tf
    from onnx_tf.backend import prepare

    own = request.source.signature
    model = told_in_13(onnx.shape_inference.infer_shapes(onnx.load(str(request.source.path))))
    names = plain_ends(model, [spec.name for spec in (*own.inputs, *own.outputs)])
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        try:
            prepare(model).export_graph(folder)
        except Exception as error:  # whatever its handlers run into
            raise UnsupportedError(f"onnx-tf: {last_words(error)}") from error
        request.target.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
    rename_ends(request.target, names)
    found = read_signature(request.target)
    return Signature(_described(found.inputs, own.inputs), _described(found.outputs, own.outputs))


def _described(found: tuple[TensorSpec, ...], own: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    by_name = {spec.name: spec for spec in found}
    return tuple(
        replace(by_name[spec.name], layout=spec.layout, meaning=spec.meaning, limits=spec.limits) for spec in own
    )
