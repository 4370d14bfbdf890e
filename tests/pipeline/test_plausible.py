from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import UnsupportedError, UsageError
from pipeline.binding import real
from pipeline.golden_inputs import synthesise
from pipeline.golden_patterns import legalised
from pipeline.plausible import MOST_VALUES, SIZES, described, proposals, settled

Y = TensorSpec("y", (1, 4), "float32")


def file(*inputs, output=Y):
    return Artifact(
        Path("m.tflite"),
        Format.TFLITE,
        Precision.FP32,
        Signature(inputs, (output,)),
        Signature(tuple(map(real, inputs)), (real(output),)),
    )


def spec(name, *shape, dtype="float32", **more):
    return TensorSpec(name, shape, dtype, **more)


def groups(*inputs):
    return list(proposals(file(*inputs)))


def first(*inputs):
    return groups(*inputs)[0][0]


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (1, 1, 28, 28), (2, 4, 8, 8)])
def test_four_axes_with_channels_are_a_picture_of_scaled_pixels(shape):
    (found,) = first(spec("x", *shape))
    assert (found.meaning, found.limits) == ("image", (-1.0, 1.0))


@pytest.mark.parametrize(("shape", "dtype"), [((1, 10, 10, 16), "float32"), ((1, 3), "float32")])
def test_other_floats_are_drawn_near_zero_then_within_0_and_1(shape, dtype):
    (group,) = groups(spec("x", *shape, dtype=dtype))
    assert [proposal[0].limits for proposal in group] == [None, (0.0, 1.0)]
    assert group[0][0].meaning == ""


def test_integers_are_bytes_then_ever_smaller():
    (group,) = groups(spec("ids", 1, 7, dtype="int64"))
    assert [proposal[0].limits for proposal in group] == [(0.0, 255.0), (0.0, 9.0), (0.0, 1.0), (1.0, 1.0)]
    assert first(spec("small", 1, dtype="int8"))[0].limits == (0.0, 127.0)


def test_a_quantized_input_takes_what_its_scale_can_store():
    (group,) = groups(spec("x", 1, 3, 40, dtype="int8", scale=0.1, zero_point=-128))
    assert group[0][0].limits == pytest.approx((0.0, 25.5))
    assert len(group) == 1


def test_limits_that_somebody_said_stay():
    assert first(spec("x", 1, 2, limits=(3.0, 4.0)))[0].limits == (3.0, 4.0)


def test_open_axes_get_sizes_one_after_the_other_and_a_batch_is_one():
    shapes = [group[0][0].shape for group in groups(spec("x", None, 3, None, None))]
    assert shapes == [(1, 3, size, size) for size in SIZES if size <= 1024]


def test_no_input_of_gigabytes_is_proposed_where_open_axes_multiply():
    for group in groups(spec("x", None, 3, None, None), spec("y", 1, None, None)):
        assert all(np.prod(one.shape) <= MOST_VALUES for specs in group for one in specs)


def test_a_batch_elsewhere_is_one_where_equal_sizes_do_not_go():
    found = [tuple(s.shape for s in group[0]) for group in groups(spec("audio", None, None), spec("h", 2, None, 128))]
    assert found[:2] == [((1, 64), (2, 64, 128)), ((1, 64), (2, 1, 128))]


def test_one_open_axis_alone_is_a_length_not_a_batch():
    assert first(spec("x", None))[0].shape == (64,)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (spec("text", 1, dtype="str"), "input `text` takes str"),
        (spec("c", 1, 2, dtype="complex64"), "takes complex64: no plausible values"),
        (spec("x", 1, 0, 3), r"input `x` is \(1, 0, 3\): nothing goes in"),
    ],
)
def test_what_no_values_are_known_for_is_unsupported_by_name(bad, match):
    with pytest.raises(UnsupportedError, match=match):
        groups(bad)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (spec("y", 1, 4, dtype="complex64"), "output `y` gives complex64: only real numbers are compared"),
        (spec("text", 1, dtype="str"), "output `text` gives str"),
        (spec("y", 1, 0), r"output `y` is \(1, 0\): nothing comes out"),
    ],
)
def test_outputs_that_cannot_be_compared_are_unsupported_by_name(bad, match):
    with pytest.raises(UnsupportedError, match=match):
        list(proposals(file(spec("x", 1), output=bad)))


def test_a_file_that_names_no_inputs_is_unsupported_with_what_can_be_done():
    with pytest.raises(UnsupportedError, match="m.tflite does not say the sizes .* edge-export compare RIGHT m.tflite"):
        groups()


def test_what_the_user_says_fills_open_sizes():
    said = spec("x", 1, 3, 48, 64, limits=(0.0, 1.0))
    found = settled(file(spec("x", None, 3, None, None), spec("ids", 1, dtype="int64")), [said])
    assert found.source.inputs[0].shape == (1, 3, 48, 64)
    assert found.source.inputs[0].limits == (0.0, 1.0)
    assert found.source.inputs[1] == spec("ids", 1, dtype="int64")
    assert found.signature.inputs[0].shape == (None, 3, None, None)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (spec("z", 1), "has no input 'z'; it takes x"),
        (spec("x", 1, 4, 8, 8), r"--input x:1x4x8x8:float32: m.tflite takes x:\?x3x\?x\?:float32"),
        (spec("x", 1, 3, 8, 8, dtype="uint8"), r"takes x:\?x3x\?x\?:float32"),
        (spec("x", 8, 8), r"takes x:\?x3x\?x\?:float32"),
    ],
)
def test_what_the_user_says_against_the_file_is_an_error(said, match):
    with pytest.raises(UsageError, match=match):
        settled(file(spec("x", None, 3, None, None)), [said])


def test_what_was_fed_is_said_in_a_few_words():
    assert described(spec("x", 1, 3, 8, 8, limits=(-1.0, 1.0))) == "1x3x8x8 float32 -1..1"
    assert described(spec("rate", dtype="int64")) == "scalar int64"


def test_a_value_that_never_changes_takes_the_size_and_type_that_the_file_says():
    rate = TensorSpec("rate", (), "int64", limits=(16000.0, 16000.0))
    found = settled(file(spec("rate", None, dtype="int32"), spec("x", 1, 4)), [rate]).source.inputs
    assert found[0] == spec("rate", None, dtype="int32", limits=(16000.0, 16000.0))
    assert described(found[0]) == "? int32 always 16000"
    for dtype in ("int8", "bool"):
        with pytest.raises(UsageError, match=f"--input rate=16000: .* takes rate as {dtype}, which is never that"):
            settled(file(spec("rate", 1, dtype=dtype)), [rate])
    assert (synthesise(found, 4, 0)["rate"] == 16000).all()
    on = spec("on", 2, dtype="bool", limits=(1.0, 1.0))
    assert synthesise((on,), 9, 0)["on"].all()
    assert legalised(np.zeros((3, 2), bool), on, (1.0, 1.0)).all()
