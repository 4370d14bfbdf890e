"""Rewrites an ONNX graph into operators that a toolchain does right; each replacement is proved in ONNX Runtime."""
