"""SavedModels from Keras: the folder that TensorFlow itself, its servers and its other converters take."""

from __future__ import annotations

import tensorflow as tf

from converters import source
from converters.contract import ConversionRequest, Signature
from converters.model_files import saved_model
from converters.names import described


def savedmodel_from_keras(request: ConversionRequest) -> Signature:
    """Writes the folder with one signature, `serving_default`, whose inputs and outputs have the source's names."""
    model = source.keras_wrapper(request.source)
    tf.saved_model.save(model, str(request.target), signatures={saved_model.DEFAULT: model.serve})
    return described(saved_model.signature(saved_model.load(request.target)), request.source.source)
