"""TensorFlow functions as graphs: Keras source models, whole Keras files and SavedModels."""

from converters.contract import Edge, Format, InspectorSpec, Precision
from converters.tracer import TracerSpec

_PACKAGES = ("tensorflow-cpu", "keras")
_FILES = (Format.SAVEDMODEL, Format.KERAS_FILE)

EDGES = (
    Edge(
        name="savedmodel_from_keras",
        toolkit="tensorflow",
        module="converters.tf_graph.convert",
        source=Format.KERAS,
        target=Format.SAVEDMODEL,
        precisions=(Precision.FP32,),
        worker="tensorflow",
        packages=_PACKAGES,
    ),
)
RUNTIMES = ()
INSPECTORS = tuple(InspectorSpec(format, "converters.tf_graph.inspect", "tensorflow", _PACKAGES) for format in _FILES)
TRACERS = tuple(
    TracerSpec(format, "converters.tf_graph.tracer", "tensorflow", _PACKAGES) for format in (Format.KERAS, *_FILES)
)
