"""Exports and inference as one writes them by hand, without this project. Each runs in a worker."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from converters import source as sources
from converters.contract import Artifact


def tflite_from_keras(source: Artifact, file: Path) -> float:
    """Seconds to write a float TFLite file of a Keras model that is loaded already."""
    import tensorflow as tf

    model = sources.load(source)
    start = time.perf_counter()
    module = tf.Module()
    module.held = [variable.value for variable in model.variables]  # a keras.Model in its place takes twice as long

    @tf.function(input_signature=[tf.TensorSpec((1, 28, 28, 1), tf.float32, name="image")])
    def serve(image: Any) -> Any:
        return {"logits": model(image, training=False)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)
    file.write_bytes(converter.convert())
    return time.perf_counter() - start


def onnx_from_torch(source: Artifact, file: Path) -> float:
    """Seconds to write an ONNX file of an nn.Module that is loaded already."""
    import torch

    model = sources.load(source)
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        program = torch.onnx.export(
            model,
            (torch.zeros(1, 1, 28, 28),),
            str(file),
            input_names=["image"],
            output_names=["logits"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return time.perf_counter() - start


def litert_loop(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the outputs for stacked inputs (n, *shape) of a TFLite file with one input and one output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    takes, gives = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]
    index = gives["index"]

    def run(inputs: np.ndarray) -> np.ndarray:
        outputs = np.empty((len(inputs), *gives["shape"]), gives["dtype"])
        for i, sample in enumerate(inputs):
            interpreter.set_tensor(takes, sample)
            interpreter.invoke()
            outputs[i] = interpreter.get_tensor(index)
        return outputs

    return run


def onnx_loop(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the outputs for stacked inputs (n, *shape) of an ONNX file with one input and one output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    takes, gives = session.get_inputs()[0].name, session.get_outputs()[0]

    def run(inputs: np.ndarray) -> np.ndarray:
        outputs = np.empty((len(inputs), *gives.shape), np.float32)
        for i, sample in enumerate(inputs):
            outputs[i] = session.run(None, {takes: sample})[0]
        return outputs

    return run


LOOPS = {"litert-xnnpack": litert_loop, "onnxruntime": onnx_loop}
