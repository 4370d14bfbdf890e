"""TensorFlow functions as graphs: Keras source models."""

from converters.contract import Format
from converters.tracer import TracerSpec

_PACKAGES = ("tensorflow-cpu", "keras")

EDGES = ()
RUNTIMES = ()
INSPECTORS = ()
TRACERS = (TracerSpec(Format.KERAS, "converters.tf_graph.tracer", "tensorflow", _PACKAGES),)
