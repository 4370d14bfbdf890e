"""Int8 files of the converter of TensorFlow: what moves values rounds nothing, and a factor is stored exactly."""

from __future__ import annotations

import numpy as np
import pytest
from gates.in_process import InProcess

from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

pytestmark = pytest.mark.tensorflow
LIMITS = config.load().limits
CODE = """
import keras
from keras import layers

def build(scale=1 / 127.5, up="bilinear"):
    keras.utils.set_random_seed(0)
    x = image = keras.Input((8, 12, 3), name="image")
    x = layers.Rescaling(scale, -1.0)(x)
    x = layers.Conv2D(6, 3, 2, padding="same", activation="relu")(x)
    y = layers.UpSampling2D(2, interpolation=up)(layers.AveragePooling2D(2)(x))
    x = layers.LayerNormalization()(layers.Reshape((-1, 12))(layers.Concatenate()([x, y])))
    return keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))

def by_256():
    return build(1 / 128)

def nearest():
    return build(up="nearest")
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("files")
    (folder / "nets.py").write_text(CODE)
    scope: dict = {}
    exec(compile(CODE, "nets", "exec"), scope)
    random = np.random.default_rng(0)
    images = [[random.uniform(0, 255, (1, 8, 12, 3)).astype(np.float32)] for _ in range(32)]
    for name in ("build", "by_256", "nearest"):
        converter = tf.lite.TFLiteConverter.from_keras_model(scope[name]())
        if name == "build":
            (folder / "float.tflite").write_bytes(converter.convert())
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: iter(images)
        (folder / f"{name}.tflite").write_bytes(converter.convert())
    return folder


@pytest.mark.parametrize("right", ["nets.py:build", "float.tflite"])
def test_an_honest_file_passes(files, right):
    found = drift(str(files / right), files / "build.tflite", "", InProcess(files), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("right", ["nets.py:build", "float.tflite"])
@pytest.mark.parametrize(("name", "layer"), [("by_256", "MUL"), ("nearest", "TILE")])
def test_a_fault_of_less_than_a_step_or_among_moves_fails_in_its_layer(files, right, name, layer):
    found = drift(str(files / right), files / f"{name}.tflite", "", InProcess(files), LIMITS)
    assert found.outcome is Outcome.FAILED
    assert layer in [suspect.b.op_type for suspect in found.suspects]
