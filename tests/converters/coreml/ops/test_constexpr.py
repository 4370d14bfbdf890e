"""Compressed weights, by the examples of the MIL specification."""

from __future__ import annotations

import numpy as np

from converters.coreml.blob import pack
from converters.coreml.ops.constexpr import KERNELS as K


def test_affine_of_a_channel_and_of_all() -> None:
    data = np.array([[1, 2], [3, 4]], np.int8)
    made = K["constexpr_affine_dequantize"](
        quantized_data=data, zero_point=np.int8([1, 0]), scale=np.float32([2, 10]), axis=0
    )
    np.testing.assert_array_equal(made, [[0, 2], [30, 40]])
    np.testing.assert_array_equal(
        K["constexpr_affine_dequantize"](quantized_data=data, zero_point=np.int8(1), scale=np.float32(2), axis=0),
        (data - 1) * 2,
    )


def test_blocks() -> None:
    data = np.arange(8, dtype=np.int8).reshape(2, 4)
    scale, offset = np.float32([[1, 10], [2, 20]]), np.int8([[0, 1], [0, 1]])
    made = K["constexpr_blockwise_shift_scale"](data=data, scale=scale, offset=offset)
    np.testing.assert_array_equal(made, [[0, 1, 10, 20], [8, 10, 100, 120]])


def test_tables_packed_and_by_group_and_of_vectors() -> None:
    packed = np.frombuffer(pack(np.array([0, 3, 2, 1, 3], np.uint8), "uint2"), np.uint8)
    made = K["constexpr_lut_to_dense"](indices=packed, lut=np.float32([1, 5, 9, 13]), shape=np.uint32([5]))
    np.testing.assert_array_equal(made, [1, 13, 9, 5, 13])
    indices = np.array([2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3], np.uint8).reshape(6, 2)
    lut = np.float32([1, 5, 9, 13, 2, 10, 18, 26]).reshape(2, 1, 4, 1)
    wanted = [[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]]
    np.testing.assert_array_equal(K["constexpr_lut_to_dense"](indices=indices, lut=lut), wanted)
    places = np.array([0, 0, 1, 0, 1, 1, 0, 0], np.uint8).reshape(2, 2, 2)
    table = np.arange(1, 7, dtype=np.int8).reshape(1, 1, 1, 2, 3)
    last = K["constexpr_lut_to_dense"](indices=places, lut=table, vector_axis=2)
    np.testing.assert_array_equal(last[0], [[1, 2, 3, 1, 2, 3], [4, 5, 6, 1, 2, 3]])
    middle = K["constexpr_lut_to_dense"](indices=places, lut=table, vector_axis=1)
    np.testing.assert_array_equal(middle[0], [[1, 1], [2, 2], [3, 3], [4, 1], [5, 2], [6, 3]])


def test_sparse_values() -> None:
    mask = np.array([[1, 0, 1], [0, 1, 0]], np.uint8)
    dense = K["constexpr_sparse_to_dense"](nonzero_data=np.float32([5, 6, 7]), mask=mask)
    np.testing.assert_array_equal(dense, [[5, 0, 6], [0, 7, 0]])
    packed = np.frombuffer(pack(mask.reshape(-1), "uint1"), np.uint8)
    np.testing.assert_array_equal(
        K["constexpr_sparse_to_dense"](nonzero_data=np.float32([5, 6, 7]), mask=packed, shape=np.uint32([2, 3])), dense
    )
    _, values = K["constexpr_sparse_blockwise_shift_scale"](
        data_mask=mask, nonzero_data=np.int8([5, 6, 7]), scale=np.float32([[1, 2, 3]]), offset=np.int8([[1, 1, 1]])
    )
    np.testing.assert_array_equal(values, [4, 15, 12])
    again, values = K["constexpr_lut_to_sparse"](
        indices_mask=mask, indices_nonzero_data=np.uint8([0, 1, 1]), lut=np.float32([2, 3]).reshape(1, 1, 2, 1)
    )
    np.testing.assert_array_equal(values, [2, 3, 3])
    np.testing.assert_array_equal(again, mask)


def test_quantize_and_back() -> None:
    x, scale = np.float32([[-1.0, 0.24, 300]]), np.float32([0.5])
    stored = K["quantize"](input=x, scale=scale[0], output_dtype="int8", zero_point=np.int8(3))
    np.testing.assert_array_equal(stored, [[1, 3, 127]])
    np.testing.assert_array_equal(K["dequantize"](input=stored, scale=scale[0], zero_point=np.int8(3)), [[-1, 0, 62]])
    assert K["constexpr_cast"](source_val=np.float16([1.5]), output_dtype="fp32").dtype == np.float32
