from __future__ import annotations

import numpy as np
import pytest
from loose_files import LOGITS, NCHW, file, image, source, spec

from converters.adapt import to_file, to_source
from converters.contract import Format
from converters.errors import ModelError
from pipeline.binding import introduced, real, sizes_of, speaking


@pytest.mark.parametrize("layout", ["NHWC", ""])
def test_a_transposed_input_is_bound_by_its_axes_whether_the_file_names_them_or_not(layout):
    spoken = speaking(file([spec("image", 1, 12, 20, 3, layout=layout)]), source())
    given = image(1, 3, 12, 20)
    got = to_file({"image": given}, spoken.source.inputs, spoken.signature.inputs)["image"]
    np.testing.assert_array_equal(got, given.transpose(0, 2, 3, 1))


def test_a_transposed_output_comes_back_in_the_layout_of_the_source():
    mask = spec("mask", 1, 2, 6, 10, layout="NCHW")
    spoken = speaking(file([NCHW], [spec("mask", 1, 6, 10, 2)]), source(outputs=[mask]))
    own = image(1, 6, 10, 2)
    got = to_source({"mask": own}, spoken.signature.outputs, spoken.source.outputs)["mask"]
    np.testing.assert_array_equal(got, own.transpose(0, 3, 1, 2))


def test_the_batch_axis_stays_first_where_several_orders_fit():
    one_channel = spec("image", 1, 1, 12, 20, layout="NCHW")
    spoken = speaking(file([spec("image", 1, 12, 20, 1)]), source([one_channel]))
    given = image(1, 1, 12, 20)
    got = to_file({"image": given}, spoken.source.inputs, spoken.signature.inputs)["image"]
    np.testing.assert_array_equal(got, given.transpose(0, 2, 3, 1))


def test_equal_shapes_are_never_transposed_whatever_letters_they_carry():
    spoken = speaking(file([spec("image", 1, 3, 12, 20)]), source())
    given = image(1, 3, 12, 20)
    got = to_file({"image": given}, spoken.source.inputs, spoken.signature.inputs)["image"]
    np.testing.assert_array_equal(got, given)


def test_axes_that_cannot_be_told_apart_are_an_error_not_a_guess():
    square = spec("image", 1, 3, 16, 16, layout="NCHW")
    with pytest.raises(ModelError, match=r"input 'image' is \(1, 3, 16, 16\).*\(1, 16, 3, 16\).*several orders"):
        speaking(file([spec("image", 1, 16, 3, 16)]), source([square]))


@pytest.mark.parametrize("layout", ["NHWC", ""])
def test_of_a_square_image_the_channels_have_moved_and_height_is_still_before_width(layout):
    square = spec("image", 1, 3, 16, 16, layout="NCHW" if layout else "")
    spoken = speaking(file([spec("image", 1, 16, 16, 3, layout=layout)]), source([square]))
    given = image(1, 3, 16, 16)
    got = to_file({"image": given}, spoken.source.inputs, spoken.signature.inputs)["image"]
    np.testing.assert_array_equal(got, given.transpose(0, 2, 3, 1))


def test_a_size_that_no_order_gives_is_an_error():
    with pytest.raises(ModelError, match="no order of the axes fits"):
        speaking(file([spec("image", 1, 12, 21, 3)]), source())


def test_lost_names_bind_by_order_and_the_files_own_names_stay():
    two = [spec("vector", 1, 7), NCHW]
    spoken = speaking(file([spec("args_0", 1, 7), spec("args_1", 1, 3, 12, 20)]), source(two))
    assert [s.name for s in spoken.source.inputs] == ["args_0", "args_1"]
    assert [s.shape for s in spoken.source.inputs] == [(1, 7), (1, 3, 12, 20)]


def test_kept_names_bind_by_name_though_the_order_changed():
    two = [spec("left", 1, 7), spec("right", 1, 7)]
    spoken = speaking(file([spec("right", 1, 7), spec("left", 1, 7)]), source(two))
    assert [s.name for s in spoken.source.inputs] == ["left", "right"]
    assert [s.name for s in spoken.signature.inputs] == ["right", "left"]  # as a model without names is called


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ([NCHW, spec("extra", 1)], "also wants extra, which nobody gives"),
        ([spec("picture", 1, 3, 12, 20), spec("extra", 1)], "has no input image; it has picture, extra"),
    ],
)
def test_inputs_without_a_partner_are_an_error(inputs, match):
    with pytest.raises(ModelError, match=match):
        speaking(file(inputs), source())


def test_outputs_too_many_and_too_few_are_left_for_the_check_to_fail():
    spoken = speaking(file([NCHW], [LOGITS, spec("extra", 1, 9)]), source())
    assert [s.name for s in spoken.source.outputs] == ["logits", "extra"]
    spoken = speaking(file([NCHW]), source(outputs=[LOGITS, spec("box", 1, 4)]))
    assert [s.name for s in spoken.source.outputs] == ["logits"]


def test_a_quantized_side_is_spoken_to_in_real_numbers():
    own = spec("image", 1, 12, 20, 3, dtype="int8", scale=0.5, zero_point=-128)
    spoken = speaking(file([own]), source())
    assert spoken.source.inputs[0].dtype == "float32"
    assert not spoken.source.inputs[0].quantized
    got = to_file({"image": np.full((1, 3, 12, 20), 10.0, np.float32)}, spoken.source.inputs, spoken.signature.inputs)
    assert (got["image"] == 10 / 0.5 - 128).all()


def test_an_open_axis_binds_to_any_size_and_still_tells_the_order_of_the_others():
    straight = speaking(file([spec("image", None, 3, None, None)]), source())
    assert straight.signature.inputs[0].layout == ""
    turned = speaking(file([spec("image", None, 12, None, 3)]), source())
    got = to_file({"image": image(1, 3, 12, 20)}, turned.source.inputs, turned.signature.inputs)["image"]
    np.testing.assert_array_equal(got, image(1, 3, 12, 20).transpose(0, 2, 3, 1))


def test_a_file_that_says_nothing_of_its_tensors_is_called_as_the_other_says():
    spoken = speaking(file([], [], Format.TORCHSCRIPT), source())
    assert spoken.signature == spoken.source == source()


def test_real_is_what_quantized_numbers_stand_for():
    assert real(spec("x", 1, dtype="int8", scale=0.5, zero_point=3)) == spec("x", 1)
    assert real(spec("ids", 1, dtype="int32")).dtype == "int32"


def test_a_file_that_says_nothing_is_called_as_the_other_says():
    silent, telling = file([], []), file([NCHW], [LOGITS])
    for a, b in ((silent, telling), (telling, silent)):
        first, second = introduced(a, b)
        assert first.source == second.source == telling.source
    assert introduced(silent, silent) == (silent, silent)


def test_names_that_tensorflows_converters_leave_bind_by_what_they_mean():
    told = source([spec("image", 1, 8, 8, 3), spec("extra", 1, 5)], [spec("note", 1, 4), spec("contour", 1, 6)])
    lost = file(
        [spec("serving_default_extra:0", 1, 5), spec("serving_default_image:0", 1, 8, 8, 3)],
        [spec("StatefulPartitionedCall:1", 1, 4), spec("StatefulPartitionedCall:0", 1, 6)],
    )
    spoken = speaking(lost, told)
    assert [s.name for s in spoken.source.inputs] == ["serving_default_image:0", "serving_default_extra:0"]
    assert [s.name for s in spoken.source.outputs] == ["StatefulPartitionedCall:1", "StatefulPartitionedCall:0"]


def test_numbered_outputs_of_equal_sizes_go_by_the_order_of_names_and_others_by_their_own():
    told = source([spec("x", 1, 5)], [spec("b", 1, 4), spec("a", 1, 4)])
    numbered = speaking(file([spec("x", 1, 5)], [spec("Identity:0", 1, 4), spec("Identity_1:0", 1, 4)]), told)
    assert [s.name for s in numbered.source.outputs] == ["Identity_1:0", "Identity:0"]
    plain = speaking(file([spec("x", 1, 5)], [spec("p", 1, 4), spec("q", 1, 4)]), told)
    assert [s.name for s in plain.source.outputs] == ["p", "q"]


def test_the_numbers_may_stand_on_the_side_that_is_right():
    numbered = source(
        [spec("serving_default_x:0", 1, 5)],
        [spec("StatefulPartitionedCall:1", 1, 4), spec("StatefulPartitionedCall:0", 1, 6)],
    )
    spoken = speaking(file([spec("x", 1, 5)], [spec("contour", 1, 6), spec("note", 1, 4)]), numbered)
    assert [s.name for s in spoken.source.outputs] == ["note", "contour"]
    both = speaking(file([spec("y", 1, 5)], [spec("Identity", 1, 6), spec("Identity_1", 1, 4)]), numbered)
    assert [s.name for s in both.source.outputs] == ["Identity_1", "Identity"]


@pytest.mark.parametrize("side", ["input", "output"])
def test_real_numbers_on_one_side_and_whole_ones_on_the_other_are_an_error(side):
    whole, pixels = spec("image", 1, 3, 12, 20, dtype="int64"), spec("image", 1, 3, 12, 20, layout="NCHW")
    made, told = (
        (file([whole]), source([pixels])) if side == "input" else (file([NCHW], [whole]), source([NCHW], [pixels]))
    )
    with pytest.raises(ModelError, match=f"{side} 'image' is float32 on one side and int64 in .*not called alike"):
        speaking(made, told)


def test_open_sizes_are_those_that_the_other_model_says_in_whatever_layout():
    left_open = (spec("image", 1, 3, None, None), spec("rate"))
    assert sizes_of((spec("image", 1, 3, 12, 20),), left_open)[0].shape == (1, 3, 12, 20)
    assert sizes_of((spec("image", 1, 12, 20, 3), spec("rate")), left_open)[0].shape == (1, 3, 12, 20)
    assert sizes_of((spec("picture", 1, 12, 20, 3), spec("hertz")), left_open)[0].shape == (1, 3, 12, 20)


def test_sizes_that_do_not_fit_or_may_be_turned_either_way_stay_open():
    left_open = (spec("image", None, None, None, 3),)
    for other in (spec("image", 1, 12, 20, 1), spec("image", 1, 12), spec("rate", 1, 12, 20, 3)):
        assert sizes_of((other, other), left_open) == left_open
