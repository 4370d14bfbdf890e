from __future__ import annotations

import numpy as np
import pytest
from drift_models import KERNEL, graph, tensor

from converters.graph import Op
from pipeline.checks.drift.align import align
from pipeline.checks.drift.net import comparable
from pipeline.checks.drift.parameters import suspects


def layers(scales, stride=2, kernel=KERNEL):
    """Four 8-bit layers one behind the other with these output scales and zero points."""
    tensors = [tensor(0, dtype="int8", scale=(0.1, 0)), tensor(1, data=kernel)]
    ops = []
    for n, scale in enumerate(scales):
        tensors.append(tensor(2 + n, dtype="int8", scale=scale))
        ops.append(Op(n, "CONV_2D", (0 if n == 0 else 1 + n, 1), (2 + n,), {"strideH": stride if n == 1 else 1}))
    return comparable(graph(tensors, ops, (0,), (1 + len(scales),)))


RIGHT = [(0.1, 1), (0.2, 2), (0.3, 3), (0.4, 4)]


def found(one, two):
    return list(suspects(align(one, two)))


def test_nothing_differs_in_the_same_graph():
    assert found(layers(RIGHT), layers(RIGHT)) == []


def test_an_attribute_is_told_with_both_sides():
    (only,) = found(layers(RIGHT), layers(RIGHT, stride=1))
    assert (only.kind, only.b.op_index, only.cause) == ("attribute", 1, "the stride is 1, not 2")
    assert (only.a.parameters, only.b.parameters) == ({"strideH": 2}, {"strideH": 1})


def loop(body):
    """A loop whose body is known by a hash."""
    held = [tensor(n) for n in range(2)]
    op = Op(0, "WHILE", (0,), (1,), {"bodySubgraphIndex": body, "condSubgraphIndex": "c"})
    return comparable(graph(held, [op], (0,), (1,)))


def test_the_hash_of_a_loops_body_tells_something_of_one_precision_alone():
    """Keras's LSTM is such a loop: every file of another precision was FAILED for the bytes of its weights."""
    (only,) = found(loop("1"), loop("2"))
    assert (only.kind, only.measure) == ("body", "something inside")
    assert list(suspects(align(loop("1"), loop("2"), bridged=True))) == []


def test_a_zero_point_off_by_one_is_told_in_its_layer():
    (only,) = found(layers(RIGHT), layers([*RIGHT[:2], (0.3, 4), RIGHT[3]]))
    assert (only.kind, only.b.op_index, only.measure) == ("quantization", 2, "zero point off by 1")


def test_another_calibration_moves_every_scale_a_little_and_is_no_fault():
    moved = [(scale * (1 + 0.03 * n), zero) for n, (scale, zero) in enumerate(RIGHT, 1)]
    assert found(layers(RIGHT), layers(moved)) == []
    far = [*moved[:3], (RIGHT[3][0] / 4, 4)]
    assert [suspect.b.op_index for suspect in found(layers(RIGHT), layers(far))] == [3]


def test_a_kernel_with_its_values_side_by_side():
    one, *others = found(layers(RIGHT), layers(RIGHT, kernel=np.roll(KERNEL, 1, 0)))
    assert (one.kind, len(others)) == ("weights", 3)
    assert one.cause == "kernel: output channels are shifted by one"
    assert one.a.parameters["kernel"]["shape"] == KERNEL.shape


def quantizers(*scales):
    """Pairs of QuantizeLinear and DequantizeLinear, one behind the other."""
    tensors, ops = [tensor(0)], []
    for place, scale in enumerate(scales):
        base = 4 * place
        tensors += [tensor(base + 1, data=np.float32(scale)), tensor(base + 2, data=np.int8(3), dtype="int8")]
        tensors += [tensor(base + 3, dtype="int8"), tensor(base + 4)]
        ops.append(Op(2 * place, "QuantizeLinear", (base, base + 1, base + 2), (base + 3,)))
        ops.append(Op(2 * place + 1, "DequantizeLinear", (base + 3, base + 1, base + 2), (base + 4,)))
    return comparable(graph(tensors, ops, (0,), (4 * len(scales),)))


def test_the_scales_of_quantize_linear_move_together_with_another_calibration():
    assert found(quantizers(0.1, 0.2, 0.3), quantizers(0.11, 0.21, 0.28)) == []


def test_one_scale_of_quantize_linear_alone_is_a_fault():
    moved = found(quantizers(0.1, 0.2, 0.3), quantizers(0.1, 0.21, 0.3))
    assert {suspect.b.op_index for suspect in moved} == {2, 3}
    assert {suspect.cause for suspect in moved} == {"the output's scale is 0.21, not 0.2"}


def test_what_a_later_opset_says_in_words_is_no_difference():
    def quantized(**attributes):
        tensors = [tensor(0), tensor(1, data=np.float32(0.1)), tensor(2, data=np.int8(3), dtype="int8"), tensor(3)]
        return comparable(graph(tensors, [Op(0, "QuantizeLinear", (0, 1, 2), (3,), attributes)], (0,), (3,)))

    assert found(quantized(axis=1), quantized(axis=1, saturate=1)) == []
    assert found(quantized(axis=1, saturate=1), quantized(axis=1, saturate=0))


def test_an_attribute_that_only_one_file_says_is_a_difference():
    def turned(**attributes):
        tensors = [tensor(0), tensor(1, data=KERNEL), tensor(2)]
        return comparable(graph(tensors, [Op(0, "ConvTranspose", (0, 1), (2,), attributes)], (0,), (2,)))

    (suspect,) = found(turned(), turned(output_padding=(1, 0)))
    assert suspect.cause == "output_padding is (1, 0), not None"


@pytest.mark.parametrize(
    ("limit", "stored", "count"), [(-4.0, -128, 0), (-4.0, -100, 1), (-1.0, -100, 0), (-0.5, -100, 1)]
)
def test_a_limit_beyond_the_end_of_a_grid_is_that_end(limit, stored, count):
    def net(dtype, constant, **how):
        tensors = [tensor(0, dtype=dtype, **how), tensor(1, data=np.array(constant), dtype=dtype, **how)]
        tensors.append(tensor(2, dtype=dtype, **how))
        return comparable(graph(tensors, [Op(0, "MAXIMUM", (0, 1), (2,))], (0,), (2,)), bridged=True)

    two = net("int8", stored, scale=(0.01, 0))
    assert len(list(suspects(align(net("float32", limit), two, bridged=True)))) == count


def shaped(*shape):
    held = [tensor(0), tensor(1, shape=shape)]
    return comparable(graph(held, [Op(0, "ConstantOfShape", (0,), (1,))], (0,), (1,)))


@pytest.mark.parametrize("shape", [(-1,), (4,), (1, 4)])
def test_a_size_that_one_file_leaves_open_is_no_other_shape(shape):
    """Exporters that fold no constants leave the sizes of padding lists open: honest files were FAILED for that."""
    assert found(shaped(4), shaped(*shape)) == []


@pytest.mark.parametrize("shape", [(3,), (2, 4), (4, 4)])
def test_another_size_is(shape):
    assert [suspect.cause for suspect in found(shaped(4), shaped(*shape))] == ["another shape"]


def hybrid(asymmetric):
    held = [tensor(0), tensor(1, data=KERNEL), tensor(2)]
    op = Op(0, "FULLY_CONNECTED", (0, 1), (2,), {"asymmetricQuantizeInputs": asymmetric})
    return comparable(graph(held, [op], (0,), (2,)))


def test_how_a_layer_rounds_its_inputs_says_something_of_one_precision_alone():
    """A float file says False, the dynamic one made from it True, which was told beside every true fault."""
    (only,) = found(hybrid(False), hybrid(True))
    assert only.kind == "attribute"
    assert list(suspects(align(hybrid(False), hybrid(True), bridged=True))) == []
