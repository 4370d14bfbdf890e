from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters import adapt
from converters.contract import Arrays, Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ContractError, UnsupportedError
from converters.session import Session

NCHW = TensorSpec("image", (1, 3, 5, 7), "float32", "NCHW")
NHWC = TensorSpec("image", (1, 5, 7, 3), "float32", "NHWC")
PIXELS = np.arange(105, dtype=np.float32).reshape(1, 3, 5, 7)


def specs(dtype: str = "float32", **changes: object) -> tuple[TensorSpec, ...]:
    return (TensorSpec("x", (4,), dtype, **changes),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "wanted", "shape"),
    [
        ("NCHW", "NHWC", (1, 3, 5, 7)),
        ("NHWC", "NCHW", (1, 5, 7, 3)),
        ("NCDHW", "NDHWC", (2, 3, 4, 5, 6)),
        ("NC", "CN", (2, 9)),
        ("CHWN", "NWHC", (2, 3, 4, 5)),
    ],
)
def test_axes_move_by_their_letters(given: str, wanted: str, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    turned = np.einsum(f"{given}->{wanted}".lower(), values)
    source, own = TensorSpec("x", shape, "float32", given), TensorSpec("x", turned.shape, "float32", wanted)
    there = adapt.to_file({"x": values}, [source], [own])["x"]
    np.testing.assert_array_equal(there, turned)
    assert there.flags.c_contiguous
    np.testing.assert_array_equal(adapt.to_source({"x": there}, [own], [source])["x"], values)


def test_arrays_that_are_not_contiguous() -> None:
    wide = np.zeros((2, 7, 5, 6), np.float32)
    view = wide.transpose(0, 3, 2, 1)[:1, ::2]
    view[...] = PIXELS
    assert not view.flags.c_contiguous
    np.testing.assert_array_equal(adapt.to_file({"image": view}, [NCHW], [NHWC])["image"], PIXELS.transpose(0, 2, 3, 1))


def test_stacked_samples_keep_their_leading_axis() -> None:
    stack = np.stack([PIXELS, PIXELS + 1])
    np.testing.assert_array_equal(
        adapt.to_file({"image": stack}, [NCHW], [NHWC], stacked=True)["image"], stack.transpose(0, 1, 3, 4, 2)
    )


def test_the_same_specs_give_the_same_values_without_layout() -> None:
    values = np.arange(4, dtype=np.float32)
    assert np.shares_memory(adapt.to_file({"x": values}, specs(), specs())["x"], values)


def test_a_dynamic_batch_fits_one_sample() -> None:
    dynamic = TensorSpec("image", (None, 3, 5, 7), "float32", "NCHW")
    assert adapt.to_file({"image": PIXELS}, [dynamic], [NHWC])["image"].shape == (1, 5, 7, 3)


def test_values_bind_by_name_whatever_the_order() -> None:
    a, b = TensorSpec("a", (2,), "float32"), TensorSpec("b", (2,), "float32")
    bound = adapt.to_file({"b": np.full(2, 2, np.float32), "a": np.full(2, 1, np.float32)}, [a, b], [b, a])
    assert {name: value[0] for name, value in bound.items()} == {"b": 2, "a": 1}


@pytest.mark.parametrize(
    ("values", "given", "wanted", "message"),
    [
        ({}, NCHW, NHWC, r"different inputs: \['image'\] and \[\]"),
        ({"picture": PIXELS}, NCHW, NHWC, "different inputs"),
        ({"image": PIXELS, "more": PIXELS}, NCHW, NHWC, "different inputs"),
        ({"image": PIXELS}, NCHW, TensorSpec("picture", (1, 5, 7, 3), "float32", "NHWC"), "different inputs"),
        ({"image": PIXELS[0]}, NCHW, NHWC, r"shape \(3, 5, 7\) does not fit \(1, 3, 5, 7\)"),
        ({"image": PIXELS.swapaxes(2, 3)}, NCHW, NHWC, "does not fit"),
        ({"image": PIXELS.astype("float64")}, NCHW, NHWC, "dtype float64 is not float32"),
        ({"image": PIXELS}, NCHW, TensorSpec("image", (1, 5, 7, 3), "float32"), "nobody knows how layout 'NCHW'"),
        ({"image": PIXELS}, NCHW, TensorSpec("image", (1, 5, 7, 3), "float32", "NHWD"), "nobody knows"),
        ({"image": PIXELS}, NCHW, TensorSpec("image", (1, 7, 5, 3), "float32", "NHWC"), "does not become"),
        ({"image": PIXELS}, NCHW, TensorSpec("image", (1, 5, 7, 3), "int8", "NHWC"), "without a scale"),
    ],
)
def test_what_does_not_fit_is_refused(values: Arrays, given: TensorSpec, wanted: TensorSpec, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        adapt.to_file(values, [given], [wanted])


@pytest.mark.parametrize(
    ("dtype", "zero_point", "expected"),
    [
        ("int8", 3, [4, 2, 5, 6, 0, 3, 3, 127, -128, 127, -128]),
        ("uint8", 128, [129, 127, 130, 131, 125, 128, 128, 255, 0, 255, 0]),
        ("int16", 0, [1, -1, 2, 3, -3, 0, 0, 32767, -32768, 32767, -32768]),
    ],
)
def test_quantization_rounds_half_away_from_zero_and_saturates(dtype: str, zero_point: int, expected: list) -> None:
    values = np.array([0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, -0.49999997, 1e9, -1e9, np.inf, -np.inf], np.float32)
    stored = adapt.quantize(values, 1.0, zero_point, dtype)
    assert stored.dtype == dtype
    assert stored.tolist() == expected


def test_raw_pixels_are_exact_in_int8() -> None:
    pixels = np.arange(256, dtype=np.float32)
    source, own = TensorSpec("x", (256,), "float32"), TensorSpec("x", (256,), "int8", scale=1.0, zero_point=-128)
    stored = adapt.to_file({"x": pixels}, [source], [own])
    assert stored["x"].tolist() == list(range(-128, 128))
    np.testing.assert_array_equal(adapt.to_source(stored, [own], [source])["x"], pixels)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_every_stored_value_survives_the_round_trip(dtype: str) -> None:
    limits = np.iinfo(dtype)
    stored = np.arange(limits.min, limits.max + 1).astype(dtype)
    real = adapt.dequantize(stored, 0.0371, -7)
    assert real.dtype == np.float32
    np.testing.assert_array_equal(adapt.quantize(real, 0.0371, -7, dtype), stored)


def test_not_a_number_is_not_quantized() -> None:
    with pytest.raises(ContractError, match="input 'x': not-a-number"):
        adapt.to_file({"x": np.full(4, np.nan, np.float32)}, specs(), specs("int8", scale=1.0, zero_point=0))


def test_integers_are_cast_when_they_fit() -> None:
    values = np.array([0, 1, 2, 2**31 - 1], np.int64)
    assert adapt.to_file({"x": values}, specs("int64"), specs("int32"))["x"].dtype == np.int32
    with pytest.raises(ContractError, match=r"input 'x': values 1\.\.2147483648 do not fit int32"):
        adapt.to_file({"x": values + 1}, specs("int64"), specs("int32"))


def test_floats_are_cast() -> None:
    values = np.array([0, 1, 2, 0.5], np.float16)
    assert adapt.to_source({"x": values}, specs("float16"), specs("float32"))["x"].dtype == np.float32


class Fake(Session):
    """A model of two inputs and two outputs: `sum` of both, and `image` channels last; one buffer for all calls."""

    def __init__(self, call: Callable[[Arrays], Arrays] | None = None) -> None:
        small = TensorSpec("small", (), "float32")
        total = TensorSpec("sum", (1,), "float32")
        signature = Signature((small, NHWC), (NHWC, total))
        source = Signature((NCHW, small), (total, NCHW))
        super().__init__(Artifact(Path("fake"), Format.TFLITE, Precision.FP32, signature, source))
        self.buffer = np.empty(1, np.float32)
        self.calls: list[float] = []
        self.instead = call

    def _call(self, inputs: Arrays) -> Arrays:
        assert isinstance(inputs["small"], np.ndarray)  # a scalar input stays an array
        self.calls.append(float(inputs["small"]))
        if self.instead:
            return self.instead(inputs)
        self.buffer[0] = inputs["image"].sum() + inputs["small"]
        return {"image": inputs["image"], "sum": self.buffer}


def many(n: int) -> Arrays:
    return {"small": np.arange(n, dtype=np.float32), "image": np.stack([PIXELS + i for i in range(n)])}


def test_run_many_stacks_what_single_runs_give() -> None:
    inputs, session = many(3), Fake()
    outputs = session.run_many(inputs)
    assert outputs["image"].shape == (3, 1, 3, 5, 7)
    for i in range(3):
        single = session.run({name: value[i] for name, value in inputs.items()})
        assert list(single) == ["sum", "image"]
        np.testing.assert_array_equal(outputs["sum"][i], single["sum"])
        np.testing.assert_array_equal(outputs["image"][i], inputs["image"][i])


def test_no_samples_and_unequal_counts_are_refused() -> None:
    with pytest.raises(ContractError, match="no samples"):
        Fake().run_many(many(2) | {"small": np.empty(0, np.float32), "image": np.empty((0, 1, 3, 5, 7), np.float32)})
    with pytest.raises(ContractError, match=r"different numbers of samples: \{'small': 2, 'image': 3\}"):
        Fake().run_many({"small": many(2)["small"], "image": many(3)["image"]})


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (lambda i: {"image": i["image"]}, "different outputs"),
        (lambda i: {"image": i["image"], "sum": np.zeros(1, np.float32), "more": np.zeros(1)}, "different outputs"),
        (lambda i: {"image": i["image"], "sum": np.zeros(2, np.float32)}, r"output 'sum': shape \(2,\)"),
        (lambda i: {"image": i["image"], "sum": np.zeros(1)}, "output 'sum': dtype float64"),
        (lambda i: {} if i["small"] else {"image": i["image"], "sum": np.zeros(1)}, "'image' of sample 1 is missing"),
    ],
)
def test_outputs_that_break_the_signature_are_refused(outputs: Callable[[Arrays], Arrays], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Fake(outputs).run_many(many(3))


def test_an_output_whose_shape_depends_on_values_is_unsupported() -> None:
    outputs = lambda i: {"image": i["image"], "sum": np.zeros(2 - int(i["small"] > 0), np.float32)}  # noqa: E731
    with pytest.raises(UnsupportedError, match=r"'sum' is of shape \(1,\) for sample 1 and of \(2,\) for the first"):
        Fake(outputs).run_many(many(3))


def test_time_calls_cycles_the_samples_and_measures_each_call() -> None:
    session = Fake(lambda inputs: time.sleep(0.002) or {})
    seconds = session.time(many(2), 5)
    assert session.calls == [0, 1, 0, 1, 0]
    assert seconds.shape == (5,)
    assert seconds.dtype == np.float64
    assert (seconds >= 0.002).all()


def test_an_output_that_is_computed_when_it_is_read_is_read_inside_the_time() -> None:
    read: list[int] = []

    class Lazy:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            read.append(1)
            return np.zeros(4, np.float32)

    class Asynchronous(Session):
        def _call(self, inputs: Arrays) -> Arrays:
            return {"y": Lazy()}  # type: ignore[dict-item]

    signature = Signature(specs(), ())
    session = Asynchronous(Artifact(Path("x"), Format.ONNX, Precision.FP32, signature, signature))
    session.time({"x": np.zeros((2, 4), np.float32)}, 5)
    assert len(read) == 5


def test_run_many_adds_microseconds_a_sample() -> None:
    inputs, constant = many(3000), {"image": PIXELS.transpose(0, 2, 3, 1).copy(), "sum": np.zeros(1, np.float32)}
    session = Fake(lambda _: constant)
    best = min(_seconds(lambda: session.run_many(inputs)) for _ in range(5)) / 3000
    assert best < 20e-6  # measured: 3 us; a 50 us model then costs 1.06 of its bare inference


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
