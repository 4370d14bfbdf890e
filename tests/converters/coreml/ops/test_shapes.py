"""Shapes and orders."""

from __future__ import annotations

import numpy as np

from converters.coreml.ops.shapes import KERNELS as K

X = np.arange(24, dtype=np.float32).reshape(1, 4, 2, 3)


def test_shapes_with_places_left_open() -> None:
    assert K["reshape"](x=X, shape=[0, -1]).shape == (2, 12), "a 0 counts from the last axis"
    assert K["reshape"](x=X.reshape(2, 12), shape=[1, 0, -1, 0]).shape == (1, 1, 2, 12)
    assert K["reshape_like"](
        x=X, ref_tensors=[np.ones((4, 9)), np.ones((7, 6))], begins=[0, 1], ends=[1, 0], end_masks=[False, True]
    ).shape == (4, 6)
    assert K["expand_dims"](x=X, axes=[0, -1]).shape == (1, 1, 4, 2, 3, 1)
    assert K["squeeze"](x=X).shape == (4, 2, 3)
    assert K["flatten2d"](x=X, axis=2).shape == (4, 6)


def test_values_side_by_side() -> None:
    a, b = np.array([[1, 2]]), np.array([[3, 4]])
    np.testing.assert_array_equal(K["concat"](values=[a, b], axis=0, interleave=True), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(K["concat"](values=[a, b], axis=1, interleave=True), [[1, 3, 2, 4]])
    assert [part.shape[1] for part in K["split"](x=X, axis=1, split_sizes=[1, 3])] == [1, 3]
    assert len(K["split"](x=X, axis=1, num_splits=2)) == 2
    np.testing.assert_array_equal(K["tile"](x=a, reps=[2, 2]), [[1, 2, 1, 2]] * 2)


def test_padding_of_the_last_axes() -> None:
    row = np.array([[1, 2, 3]], np.float32)
    np.testing.assert_array_equal(K["pad"](x=row, pad=[1, 2], constant_val=np.float32(9)), [[9, 1, 2, 3, 9, 9]])
    np.testing.assert_array_equal(K["pad"](x=row, pad=[1, 1], mode="reflect"), [[2, 1, 2, 3, 2]])
    np.testing.assert_array_equal(K["pad"](x=row, pad=[1, 1], mode="replicate"), [[1, 1, 2, 3, 3]])


def test_blocks_to_channels_and_back() -> None:
    shuffled = K["pixel_shuffle"](x=X, upscale_factor=2)
    np.testing.assert_array_equal(shuffled[0, 0, :2, :2].reshape(-1), X[0, :, 0, 0])
    np.testing.assert_array_equal(K["pixel_unshuffle"](x=shuffled, downscale_factor=2), X)
    two = np.concatenate([X, X + 100], axis=1)
    space = K["depth_to_space"](x=two, block_size=2)
    np.testing.assert_array_equal(space[0, :, 0, 1], two[0, 2:4, 0, 0], "channels lie together in a block")
    np.testing.assert_array_equal(K["space_to_depth"](x=space, block_size=2), two)
    batch = K["space_to_batch"](x=X, block_shape=[2, 3], paddings=np.array([[0, 0], [1, 2]]))
    assert batch.shape == (6, 4, 1, 2)
    np.testing.assert_array_equal(K["batch_to_space"](x=batch, block_shape=[2, 3], crops=np.array([[0, 0], [1, 2]])), X)


def test_sequences_windows_bands_and_fills() -> None:
    rows = np.arange(8).reshape(2, 4)
    np.testing.assert_array_equal(
        K["reverse_sequence"](x=rows, lengths=[2, 3], seq_axis=1), [[1, 0, 2, 3], [6, 5, 4, 7]]
    )
    np.testing.assert_array_equal(K["sliding_windows"](x=rows, axis=1, size=2, stride=2)[1], [[4, 5], [6, 7]])
    np.testing.assert_array_equal(
        K["band_part"](x=np.ones((3, 3)), lower=0, upper=1), np.triu(np.ones((3, 3))) - np.eye(3, k=2)
    )
    np.testing.assert_array_equal(K["range_1d"](end=7, start=1, step=2), [1, 3, 5])
    np.testing.assert_array_equal(K["fill"](shape=[2], value=3.0), [3, 3])
    np.testing.assert_array_equal(K["crop"](x=X, crop_height=[1, 0], crop_width=[0, 2])[0, :, :, :], X[0, :, 1:, :1])
