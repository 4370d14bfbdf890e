from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow


def test_any_tensor_is_fed_and_fetched_and_outputs_keep_their_names():
    import tensorflow as tf

    from converters.tf_graph.frozen import freeze

    scale = tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec((2,), tf.float32, name="x")])
    def function(x):
        return {"z": x * scale, "a": tf.exp(x * scale)}

    concrete = function.get_concrete_function()
    frozen = freeze(concrete, {"x": concrete.inputs[0]})
    assert list(frozen.outputs) == ["z", "a"]
    x, one = frozen.inputs["x"], np.array([0, 1], np.float32)
    a, z = frozen.fetch({x: one}, [frozen.outputs["a"], frozen.outputs["z"]])
    np.testing.assert_array_equal(z, 3 * one)
    np.testing.assert_allclose(a, np.exp(3 * one), rtol=1e-6)
    inner = frozen.outputs["a"].op.inputs[0]
    inner = inner.op.inputs[0] if inner.op.type == "Exp" else inner
    [fed] = frozen.fetch({inner: one}, [frozen.outputs["a"]])
    np.testing.assert_allclose(fed, np.exp(one), rtol=1e-6)
    scale.assign(5.0)
    [after] = frozen.fetch({x: one}, [frozen.outputs["z"]])
    np.testing.assert_array_equal(after, 3 * one)
