"""State and open sizes of .tflite files, in sessions of LiteRT's interpreter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters import job
from converters.contract import Artifact, Format, Precision, Signature
from converters.errors import UnsupportedError
from converters.litert import runtime
from converters.litert.inspect import inspect

Converted = Callable[..., Artifact]
KERNELS = pytest.mark.parametrize("kernels", ["litert-xnnpack", "litert-reference", "litert-xnnpack[4t]"])
pytestmark = pytest.mark.tensorflow


def artifact(path: Path) -> Artifact:
    signature = inspect(path).signature
    return Artifact(path, Format.TFLITE, Precision.FP32, signature, signature)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A running sum in a resource variable, as wake words keep their past."""
    import tensorflow as tf

    class Sum(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.total = tf.Variable(tf.zeros((1, 3)))

        @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32, name="x")])  # type: ignore[untyped-decorator]
        def step(self, x: object) -> dict[str, object]:
            return {"y": self.total.assign_add(x) * 2.0}

    model = Sum()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.step.get_concrete_function()], model)
    converter.experimental_enable_resource_variables = True
    path = tmp_path_factory.mktemp("state") / "sum.tflite"
    path.write_bytes(converter.convert())
    return artifact(path)


@pytest.fixture(scope="module")
def open_sizes(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """x -> 2x and the mean of its rows, of any batch and length."""
    import tensorflow as tf

    class Double(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, None), tf.float32, name="x")])  # type: ignore[untyped-decorator]
        def call(self, x: object) -> dict[str, object]:
            return {"twice": x * 2.0, "mean": tf.reduce_mean(x, axis=1)}  # type: ignore[operator]

    model = Double()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.call.get_concrete_function()], model)
    path = tmp_path_factory.mktemp("open") / "open.tflite"
    path.write_bytes(converter.convert())
    return artifact(path)


def test_a_file_with_resource_variables_says_that_it_keeps_state(counter: Artifact, converted: Converted) -> None:
    assert inspect(counter.path).stateful
    assert not inspect(converted("keras_conv").path).stateful


def test_a_file_with_a_variable_tensor_keeps_state(edited: Callable[..., Path]) -> None:
    def vary(model: object) -> None:
        model.subgraphs[0].tensors[-1].isVariable = True  # type: ignore[attr-defined]

    assert inspect(edited(vary)).stateful


@KERNELS
def test_samples_are_one_sequence_from_a_fresh_state(kernels: str, counter: Artifact) -> None:
    session = runtime.open(counter, kernels, 1)
    assert session.stateful
    x = np.ones((4, 1, 3), np.float32)
    wanted = 2 * np.arange(1, 5, dtype=np.float32)
    for _ in range(2):  # the second sequence knows nothing of the first
        np.testing.assert_array_equal(session.run_many({"x": x})["y"][:, 0, 0], wanted)


@KERNELS
def test_two_equal_calls_differ_and_a_fresh_state_is_that_of_a_new_session(kernels: str, counter: Artifact) -> None:
    session, x = runtime.open(counter, kernels, 1), {"x": np.full((1, 3), 5, np.float32)}
    first, second = session.run(x)["y"], session.run(x)["y"]
    assert (first != second).all()
    session.reset()
    np.testing.assert_array_equal(session.run(x)["y"], first)


def test_the_probe_finds_state_that_the_file_tells_and_none_elsewhere(
    counter: Artifact, open_sizes: Artifact, tmp_path: Path
) -> None:
    np.savez(tmp_path / "sum.npz", x=np.arange(9, dtype=np.float32).reshape(3, 1, 3))
    found = job.probe("litert-reference", counter, tmp_path / "sum.npz")
    assert (found.stateful, found.random, found.finite, found.moves) == (True, False, True, True)
    plain = job.probe("litert-xnnpack", open_sizes, tmp_path / "sum.npz")
    assert (plain.stateful, plain.random) == (False, False)
    assert plain.shapes == {"twice": (1, 3), "mean": (1,)}


def test_state_that_no_file_tells_is_run_in_a_session_of_its_own(counter: Artifact, tmp_path: Path) -> None:
    np.savez(tmp_path / "sum.npz", x=np.ones((3, 1, 3), np.float32))
    wanted = job.run_samples("litert-xnnpack", counter, tmp_path / "sum.npz")
    for _ in range(2):
        fresh = job.run_samples("litert-xnnpack", counter, tmp_path / "sum.npz", fresh=True)
        np.testing.assert_array_equal(fresh["y"], wanted["y"])


@KERNELS
def test_open_sizes_follow_the_inputs(kernels: str, open_sizes: Artifact) -> None:
    assert open_sizes.signature.inputs[0].shape == (None, None)
    session = runtime.open(open_sizes, kernels, 1)
    for shape in ((1, 1), (2, 7), (2, 7), (5, 3), (1, 1)):
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        found = session._call({"x": x})
        np.testing.assert_array_equal(found["twice"], 2 * x)
        np.testing.assert_allclose(found["mean"], x.mean(axis=1))


@KERNELS
def test_a_file_that_cannot_be_as_small_as_1_opens_at_the_sizes_of_its_source(
    kernels: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import tensorflow as tf

    class Filter(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32, name="x")])  # type: ignore[untyped-decorator]
        def call(self, x: object) -> dict[str, object]:
            return {"y": tf.nn.conv2d(x, tf.ones((5, 5, 3, 2)), 1, "VALID")}

    model = Filter()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.call.get_concrete_function()], model)
    path = tmp_path_factory.mktemp("filter") / "filter.tflite"
    path.write_bytes(converter.convert())
    made = artifact(path)
    x = dataclasses.replace(made.source.inputs[0], shape=(1, 8, 9, 3))
    sized = dataclasses.replace(made, source=Signature((x,), made.source.outputs))
    session = runtime.open(sized, kernels, 1)
    for shape in ((1, 8, 9, 3), (1, 6, 6, 3)):
        found = session._call({"x": np.ones(shape, np.float32)})["y"]
        np.testing.assert_allclose(found, np.full((1, shape[1] - 4, shape[2] - 4, 2), 75.0))


@pytest.mark.parametrize(
    ("custom", "match"),
    [
        (b"Landmarks2Transform", "litert-xnnpack has no kernel for Landmarks2Transform$"),
        (b"FlexMatrixInverse", "litert-xnnpack has no kernel for FlexMatrixInverse"),
    ],
)
def test_an_operator_without_a_kernel_is_unsupported_by_name(
    custom: bytes, match: str, edited: Callable[..., Path], converted: Converted
) -> None:
    def strange(model: object) -> None:
        code = model.operatorCodes[0]  # type: ignore[attr-defined]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, custom

    whole = dataclasses.replace(converted("keras_conv"), path=edited(strange))
    with pytest.raises(UnsupportedError, match=match):
        runtime.open(whole, "litert-xnnpack", 1)
