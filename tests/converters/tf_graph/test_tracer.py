from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tiny_models import MODELS

from converters import source
from converters.errors import UnsupportedError

pytestmark = pytest.mark.tensorflow

NAMES = ("keras_conv", "keras_two_in_two_out", "keras_mixed")
RECURRENT = """
import keras

def build():
    tokens = keras.Input((6, 4), name="tokens")
    x = keras.layers.LSTM(5, return_sequences=True)(tokens)
    return keras.Model(tokens, [keras.layers.GRU(3, name="last")(x), keras.layers.Dense(2, name="all")(x)])
"""
SUBCLASSED = """
import keras

class Scaled(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
        self.dropout = keras.layers.Dropout(0.5)

    def call(self, x, training=False):
        return {"z": self.dense(self.dropout(x, training=training)), "a": x + 1.0}

def build():
    return Scaled()

def example_inputs():
    import numpy as np
    return np.ones((1, 4), np.float32)
"""
ORDERED = """
import keras
import tensorflow as tf

class Ordered(keras.Model):
    @tf.function
    def inner(self, x):
        tf.debugging.assert_less(x, 1e9)
        return x * 2.0

    def call(self, x):
        y = self.inner(x + 1.0)
        with tf.control_dependencies([y]):
            half = tf.ones(()) / 2.0
        count = tf.shape(y, name="count")[1]
        return {"z": tf.reshape(y * half, (-1, count)) * tf.cast(count, y.dtype)}

def build():
    return Ordered()

def example_inputs():
    import numpy as np
    return np.ones((1, 4), np.float32)
"""


@pytest.fixture(params=NAMES)
def traced(request, tmp_path):
    from converters.tf_graph import tracer

    model = MODELS[request.param]
    artifact = model.source(tmp_path)
    return artifact, tracer.open(artifact), samples(model.inputs(3))


def samples(stacked):
    return [{name: values[place] for name, values in stacked.items()} for place in range(3)]


def captured(folder, text):
    from converters.tf_graph import tracer

    (folder / "model.py").write_text(text)
    artifact = source.capture(f"{folder / 'model.py'}:build", {}, folder / "w.weights.h5")
    random = np.random.default_rng(0)
    calls = [{s.name: random.normal(size=s.shape).astype(s.dtype) for s in artifact.source.inputs} for _ in range(3)]
    return artifact, tracer.open(artifact), calls


def check_outputs(artifact, tracer, calls):
    found = tracer.trace(calls, tracer.graph.outputs)
    loaded = source.load(artifact)
    assert tracer.graph.output_names == tuple(spec.name for spec in artifact.signature.outputs)
    for place, call in enumerate(calls):
        want = source.call(loaded, call, artifact.signature)
        for name, index in zip(tracer.graph.output_names, tracer.graph.outputs, strict=True):
            np.testing.assert_allclose(found[index][place], want[name], rtol=1e-6, atol=1e-6)


def check_alone(tracer, calls):
    """Each operator whose ends can be seen gives alone what it gave in the model; how many that were."""
    tensors = tracer.graph.tensors
    values = tracer.trace(calls, [index for index, tensor in tensors.items() if not tensor.constant])
    alone = 0
    for op in tracer.graph.ops:
        read = [index for index in op.inputs if not tensors[index].constant]
        if not all(index in values for index in (*read, *op.outputs)):
            continue
        found = tracer.run({index: values[index] for index in read}, op.outputs)
        for index in op.outputs:
            np.testing.assert_array_equal(found[index], values[index])
            assert str(found[index].dtype) == tensors[index].dtype
        alone += 1
    return alone


def test_a_model_gives_what_keras_gives_and_so_does_each_operator_alone(traced):
    artifact, tracer, calls = traced
    check_outputs(artifact, tracer, calls)
    assert check_alone(tracer, calls) == len(tracer.graph.ops)


def test_a_subclassed_model_too(tmp_path):
    artifact, tracer, calls = captured(tmp_path, SUBCLASSED)
    check_outputs(artifact, tracer, calls)
    assert check_alone(tracer, calls) == len(tracer.graph.ops)


def test_an_operator_alone_needs_no_input_that_it_only_waits_for_or_whose_shape_it_reads(tmp_path):
    _, tracer, calls = captured(tmp_path, ORDERED)
    assert check_alone(tracer, calls) == len(tracer.graph.ops) > 3


def test_recurrent_layers_are_opaque_with_values_at_their_ends(tmp_path):
    artifact, tracer, calls = captured(tmp_path, RECURRENT)
    check_outputs(artifact, tracer, calls)
    loops = [op for op in tracer.graph.ops if op.type == "While"]
    assert len(loops) == 2
    assert loops[0].attributes["body"] != loops[1].attributes["body"]
    [read, *_] = [op for op in tracer.graph.ops if op.inputs[:1] == tracer.graph.inputs]
    stack = next(op for op in tracer.graph.ops if op.type == "TensorListStack")
    values = tracer.trace(calls, [*read.outputs, *stack.outputs])
    found = tracer.run({read.outputs[0]: values[read.outputs[0]]}, stack.outputs)
    np.testing.assert_array_equal(found[stack.outputs[0]], values[stack.outputs[0]])
    with pytest.raises(UnsupportedError, match="While .* works on what is no array, and cannot stand alone"):
        tracer.run(values, loops[0].outputs)


def test_a_function_that_cannot_be_frozen_is_refused(tmp_path):
    from converters.tf_graph import tracer

    artifact = MODELS["keras_conv"].source(tmp_path)
    image = dataclasses.replace(artifact.source.inputs[0], shape=(1, 12, 20, 5))
    wrong = dataclasses.replace(artifact.source, inputs=(image,))
    with pytest.raises(UnsupportedError, match="TensorFlow makes no graph of keras_conv"):
        tracer.open(dataclasses.replace(artifact, source=wrong))
