"""Trains the Keras reference model; runs in a worker process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.builder import build
from converters.contract import Arrays, Framework
from pipeline.models import training
from pipeline.models.fit import fit

if TYPE_CHECKING:
    import keras

_CHUNK = 500  # samples of one call in inference
_SUFFIX = ".weights.h5"


def train(
    builder: str,
    builder_args: Mapping[str, Any],
    data: Path,
    options: Mapping[str, Any],
    checkpoint: Path,
    out: Path,
    on_progress: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Trains what a builder returns on a stored data set and writes its weights as .weights.h5 to `out`.

    `checkpoint` is a folder; an interrupted training is taken up from it and ends in the same bytes.

    Returns:
        `accuracy` (of the test split, 0..1), `validation_accuracy`, `epochs`, `best_epoch`, `seconds`, `samples`.
    """
    import keras
    import tensorflow as tf

    with _deterministic():
        learner = KerasLearner(build(builder, builder_args, Framework.TENSORFLOW), training.parse(options))
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        recipe = {"builder": builder, "args": dict(builder_args), **versions}
        return fit(learner, data, options, recipe, checkpoint, out, on_progress)


class KerasLearner:
    """A model with its optimizer: SGD with Nesterov momentum; weights, not biases or norms, decay."""

    def __init__(self, model: keras.Model, options: training.TrainOptions) -> None:
        import keras
        import tensorflow as tf

        self.model = model
        nesterov = options.momentum > 0
        self.sgd = keras.optimizers.SGD(options.learning_rate, momentum=options.momentum, nesterov=nesterov)
        self.sgd.build(model.trainable_variables)
        loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
        decay = [options.weight_decay if len(v.shape) > 1 else 0.0 for v in model.trainable_variables]

        images_spec = tf.TensorSpec(model.inputs[0].shape, tf.uint8)
        labels_spec, rate_spec = tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.float32)

        @tf.function(input_signature=[images_spec, labels_spec, rate_spec])
        def step(images: Any, labels: Any, rate: Any) -> Any:
            self.sgd.learning_rate.assign(rate)
            with tf.GradientTape() as tape:
                logits = model(tf.cast(images, tf.float32), training=True)
                loss = loss_of(tf.one_hot(labels, logits.shape[-1]), logits)
            variables = model.trainable_variables
            gradients = tape.gradient(loss, [v.value for v in variables])
            decayed = [g + d * v if d else g for g, d, v in zip(gradients, decay, variables, strict=True)]
            self.sgd.apply_gradients(zip(decayed, variables, strict=True))
            return loss, tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == labels, tf.int32))

        @tf.function(input_signature=[images_spec])
        def infer(images: Any) -> Any:
            return model(tf.cast(images, tf.float32), training=False)

        self._step, self._infer = step, infer

    def step(self, images: np.ndarray, targets: np.ndarray, rate: float) -> tuple[float, int]:
        """See `fit.Learner`."""
        loss, right = self._step(images, targets, np.float32(rate))
        return float(loss), int(right)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """See `fit.Learner`."""
        return np.concatenate([self._infer(images[i : i + _CHUNK]).numpy() for i in range(0, len(images), _CHUNK)])

    def weights(self) -> Arrays:
        """See `fit.Learner`."""
        return {f"{number:03d}": np.array(variable.value.numpy()) for number, variable in enumerate(self.model.weights)}

    def optimizer(self) -> Arrays:
        """See `fit.Learner`."""
        return {f"{number:03d}": np.array(variable.value.numpy()) for number, variable in enumerate(self.sgd.variables)}

    def restore(self, weights: Arrays, optimizer: Arrays | None) -> None:
        """See `fit.Learner`."""
        pairs = [(self.model.weights, weights), (self.sgd.variables, optimizer or {})]
        for variables, arrays in pairs:
            for name, array in arrays.items():
                variables[int(name)].assign(array)

    def write(self, path: Path) -> None:
        """See `fit.Learner`."""
        suffixed = path if path.name.endswith(_SUFFIX) else path.with_name(path.name + _SUFFIX)
        self.model.save_weights(str(suffixed))
        if suffixed != path:
            shutil.move(suffixed, path)


@contextmanager
def _deterministic() -> Iterator[None]:
    """TensorFlow computes the same bits every time in here; afterwards as before, for what shares the process."""
    from tensorflow.python.framework import config

    before = config.is_op_determinism_enabled()
    config.enable_op_determinism()
    try:
        yield
    finally:
        if not before:
            config.disable_op_determinism()
