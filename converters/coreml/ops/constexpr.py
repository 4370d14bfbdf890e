"""Weights that lie compressed in a file, expanded. Operators of iOS 16 and of iOS 18 share names, not parameters."""

from __future__ import annotations

import numpy as np

from converters.coreml.blob import unpack

Array = np.ndarray


def constexpr_affine_dequantize(quantized_data: Array, zero_point: Array, scale: Array, axis: int) -> Array:
    """Scale * (data - zero_point), one of each for the tensor or for each slice of `axis`."""

    def spread(values: Array) -> Array:
        values = np.asarray(values, np.float32)
        shape = [-1 if i == int(axis) % quantized_data.ndim else 1 for i in range(quantized_data.ndim)]
        return values.reshape(shape) if values.ndim and values.size > 1 else values.reshape(())

    return spread(scale) * (quantized_data.astype(np.float32) - spread(zero_point))


def constexpr_blockwise_shift_scale(data: Array, scale: Array, offset: Array | None = None) -> Array:
    """Scale * (data - offset), one of each for each block of every axis."""
    shifted = data.astype(np.float32)
    if offset is not None:
        shifted = shifted - _blocks(offset.astype(np.float32), data.shape)
    return shifted * _blocks(scale.astype(np.float32), data.shape)


def constexpr_lut_to_dense(
    indices: Array, lut: Array, shape: Array | None = None, vector_axis: int | None = None
) -> Array:
    """The values of a table by their indices, which are packed where a shape is given; one table for each block."""
    if shape is not None:
        size = [int(n) for n in shape]
        bits = int(np.log2(lut.size))
        count = int(np.prod(size))
        return lut.reshape(-1)[unpack(memoryview(indices.tobytes()), f"uint{bits}", count).reshape(size)]
    tables = lut.reshape(*lut.shape[: indices.ndim], *lut.shape[indices.ndim :])
    for axis, n in enumerate(indices.shape):
        tables = np.repeat(tables, n // tables.shape[axis], axis=axis)
    places = indices.astype(np.int64)[..., None, None]
    vectors = np.take_along_axis(tables, np.broadcast_to(places, (*indices.shape, 1, tables.shape[-1])), axis=-2)[
        ..., 0, :
    ]
    if vectors.shape[-1] == 1:
        return vectors[..., 0]
    axis = int(vector_axis or 0) % indices.ndim
    made = np.moveaxis(vectors, -1, axis + 1)
    return made.reshape([n * (vectors.shape[-1] if i == axis else 1) for i, n in enumerate(indices.shape)])


def constexpr_sparse_to_dense(nonzero_data: Array, mask: Array, shape: Array | None = None) -> Array:
    """The values where the mask is set, zeros elsewhere; the mask is packed where a shape is given."""
    if shape is not None:
        size = [int(n) for n in shape]
        mask = unpack(memoryview(mask.tobytes()), "uint1", int(np.prod(size))).reshape(size)
    made = np.zeros(mask.shape, nonzero_data.dtype)
    made[mask != 0] = nonzero_data
    return made


def constexpr_lut_to_sparse(
    indices_mask: Array, indices_nonzero_data: Array, lut: Array, vector_axis: int | None = None
) -> tuple[Array, Array]:
    """(the mask, the values of a table by the indices that are there)."""
    dense = constexpr_lut_to_dense(
        constexpr_sparse_to_dense(indices_nonzero_data, indices_mask), lut, None, vector_axis
    )
    times = [n // m for n, m in zip(dense.shape, indices_mask.shape, strict=True)]
    mask = indices_mask
    for axis, n in enumerate(times):
        mask = np.repeat(mask, n, axis=axis)
    return mask, dense[mask != 0]


def constexpr_sparse_blockwise_shift_scale(
    data_mask: Array, nonzero_data: Array, scale: Array, offset: Array | None = None
) -> tuple[Array, Array]:
    """(the mask, scale * (data - offset) of the values that are there)."""
    dense = constexpr_sparse_to_dense(nonzero_data, data_mask)
    return data_mask, constexpr_blockwise_shift_scale(dense, scale, offset)[data_mask != 0]


def constexpr_cast(source_val: Array, output_dtype: str) -> Array:
    """The values in another float type."""
    return source_val.astype(np.float32)


def dequantize(input: Array, scale: Array, zero_point: Array | None = None, axis: int | None = None) -> Array:
    """Scale * (input - zero_point)."""
    zero = np.zeros_like(scale) if zero_point is None else np.asarray(zero_point)
    return constexpr_affine_dequantize(input, zero, np.asarray(scale), axis or 0)


def quantize(
    input: Array, scale: Array, output_dtype: str, zero_point: Array | None = None, axis: int | None = None
) -> Array:
    """round(input / scale) + zero_point, half to even, held within the type."""
    shape = [-1 if i == int(axis or 0) % input.ndim else 1 for i in range(input.ndim)] if np.ndim(scale) else []
    zero = 0 if zero_point is None else np.asarray(zero_point, np.float32).reshape(shape)
    limits = np.iinfo(output_dtype)
    return np.clip(np.rint(input / np.reshape(scale, shape)) + zero, limits.min, limits.max).astype(output_dtype)


def _blocks(values: Array, shape: tuple[int, ...]) -> Array:
    for axis, n in enumerate(shape):
        values = np.repeat(values, n // values.shape[axis], axis=axis) if values.shape[axis] > 1 else values
    return values


KERNELS = {
    function.__name__: function
    for function in (
        *(constexpr_affine_dequantize, constexpr_blockwise_shift_scale, constexpr_lut_to_dense),
        *(constexpr_sparse_to_dense, constexpr_lut_to_sparse, constexpr_sparse_blockwise_shift_scale, constexpr_cast),
        *(dequantize, quantize),
    )
}
