from __future__ import annotations

import numpy as np
import pytest

from converters.contract import Format

pytestmark = pytest.mark.tensorflow


def graph(function, *shapes):
    import tensorflow as tf

    from converters.tf_graph.frozen import freeze
    from converters.tf_graph.graph import Reader

    signature = [tf.TensorSpec(shape, tf.float32, name=f"x{place}") for place, shape in enumerate(shapes)]
    concrete = tf.function(lambda *x: {"y": function(*x)}, input_signature=signature).get_concrete_function()
    inputs = {f"x{place}": tensor for place, tensor in enumerate(concrete.inputs[: len(shapes)])}
    return Reader(freeze(concrete, inputs), Format.KERAS).graph


def test_what_comes_of_constants_and_known_shapes_is_a_constant():
    import tensorflow as tf

    scale = tf.Variable([1.0, 3.0])
    made = graph(
        lambda x: tf.reshape(x * tf.math.rsqrt(scale + 1.0), tf.stack([tf.shape(x)[1], tf.shape(x)[0]])), (3, 2)
    )
    multiply, reshape = made.ops
    np.testing.assert_allclose(made.tensors[multiply.inputs[1]].data, [2**-0.5, 0.5])
    np.testing.assert_array_equal(made.tensors[reshape.inputs[1]].data, [2, 3])


def test_what_only_passes_on_is_left_out():
    import tensorflow as tf

    made = graph(lambda x: tf.identity(tf.stop_gradient(tf.identity(x) * 2.0)), (3,))
    assert [op.type for op in made.ops] == ["Mul"]
    assert made.outputs == made.ops[0].outputs
    assert made.inputs == (made.ops[0].inputs[0],)


def test_random_operators_are_no_constants():
    import tensorflow as tf

    made = graph(lambda x: x + tf.random.uniform((3,)), (3,))
    assert "RandomUniform" in [op.type for op in made.ops]


def test_attributes_are_numbers_words_and_hashes_of_bodies():
    import tensorflow as tf

    [pool] = graph(lambda x: tf.nn.max_pool2d(x, 2, 1, "VALID"), (1, 4, 4, 1)).ops
    assert pool.attributes == {
        "data_format": "NHWC",
        "explicit_paddings": (),
        "ksize": (1, 2, 2, 1),
        "padding": "VALID",
        "strides": (1, 1, 1, 1),
    }

    def loop(step):
        made = graph(lambda x: tf.while_loop(lambda v: tf.reduce_sum(v) < 9, lambda v: [v + step], [x])[0], (3,))
        return next(op.attributes["body"] for op in made.ops if "While" in op.type)

    assert loop(1.0) == loop(1.0) != loop(2.0)


def test_types_that_numpy_has_not_are_told_as_float32():
    import tensorflow as tf

    from converters.tf_graph.graph import plain_array

    made = graph(lambda x: tf.cast(tf.cast(x, tf.bfloat16) * 2, tf.float32), (3,))
    assert {tensor.dtype for tensor in made.tensors.values() if not tensor.constant} == {"float32"}
    assert plain_array(tf.constant([1.5], tf.bfloat16).numpy()).dtype == np.float32
