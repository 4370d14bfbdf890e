"""Images in another size, and values between their places; the last two axes are height and width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def resize_bilinear(
    x: Array, target_size_height: int = 1, target_size_width: int = 1, sampling_mode: str = "DEFAULT"
) -> Array:
    """To a size, by straight lines between the values."""
    return _lines(_lines(x, -2, int(target_size_height), sampling_mode), -1, int(target_size_width), sampling_mode)


def resize_nearest_neighbor(x: Array, target_size_height: int, target_size_width: int) -> Array:
    """To a size, by the value whose cell a place is in."""
    return _nearest(_nearest(x, -2, int(target_size_height)), -1, int(target_size_width))


def upsample_bilinear(
    x: Array,
    scale_factor_height: float = 1,
    scale_factor_width: float = 1,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> Array:
    """By factors, by straight lines between the values."""
    half = (not align_corners) if half_pixel_centers is None else bool(half_pixel_centers)
    mode = "STRICT_ALIGN_CORNERS" if align_corners else "UNALIGN_CORNERS" if half else "DEFAULT"
    height, width = _scaled(x.shape[-2], scale_factor_height), _scaled(x.shape[-1], scale_factor_width)
    return resize_bilinear(x, height, width, mode)


def upsample_nearest_neighbor(x: Array, scale_factor_height: float = 1, scale_factor_width: float = 1) -> Array:
    """By factors, by the value whose cell a place is in."""
    height, width = _scaled(x.shape[-2], scale_factor_height), _scaled(x.shape[-1], scale_factor_width)
    return resize_nearest_neighbor(x, height, width)


def resize(
    x: Array,
    shape: Sequence[int],
    resized_dims: int,
    interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> Array:
    """The last `resized_dims` axes to the last sizes of `shape`; 0 keeps an axis."""
    for axis in range(-int(resized_dims), 0):
        size = int(shape[axis]) or x.shape[axis]
        if interpolation_mode == "LINEAR":
            x = _lines(x, axis, size, sampling_mode)
        elif sampling_mode == "DEFAULT":
            x = _nearest(x, axis, size)
        else:
            x = np.take(x, np.floor(grid(x.shape[axis], size, sampling_mode) + 0.5).astype(np.int64), axis=axis)
    return x


def resample(
    x: Array,
    coordinates: Array,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Array:
    """X (B, C, H, W) at (x, y) places (B, H', W', 2): (B, C, H', W')."""
    height, width = x.shape[-2:]
    where = coordinates.astype(np.float64)
    across = _pixels(where[..., 0], width, coordinates_mode, align_corners)
    down = _pixels(where[..., 1], height, coordinates_mode, align_corners)
    if padding_mode in ("reflection", "symmetric"):
        across, down = (_mirror(v, n, padding_mode, align_corners) for v, n in ((across, width), (down, height)))
    if padding_mode != "constant":
        across, down = np.clip(across, 0, width - 1), np.clip(down, 0, height - 1)
    if sampling_mode == "nearest":
        return _at(x, np.rint(down), np.rint(across), padding_value)
    top, left = np.floor(down), np.floor(across)
    made = np.zeros((*x.shape[:2], *down.shape[1:]), np.float64)
    for row, by_row in ((top, top + 1 - down), (top + 1, down - top)):
        for column, by_column in ((left, left + 1 - across), (left + 1, across - left)):
            made += _at(x, row, column, padding_value) * (by_row * by_column)[:, None]
    return made


def affine(
    x: Array,
    transform_matrix: Array,
    output_height: int,
    output_width: int,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Array:
    """X at the places that a matrix (B or 1, 6) makes of a grid of the output's size."""
    rows, columns = _ends(int(output_height), align_corners), _ends(int(output_width), align_corners)
    if coordinates_mode == "normalized_zero_to_one":
        rows, columns = (rows + 1) / 2, (columns + 1) / 2
    down, across = np.meshgrid(rows, columns, indexing="ij")
    points = np.stack([across, down, np.ones_like(down)], axis=-1)
    places = np.einsum("hwk,bjk->bhwj", points, transform_matrix.reshape(-1, 2, 3))
    places = np.broadcast_to(places, (len(x), *places.shape[1:]))
    return resample(x, places, sampling_mode, padding_mode, padding_value, coordinates_mode, align_corners)


def crop_resize(
    x: Array,
    boxes: Array | None = None,
    box_indices: Array | None = None,
    roi: Array | None = None,
    target_height: int = 1,
    target_width: int = 1,
    normalized_coordinates: bool = False,
    spatial_scale: float = 1.0,
    box_coordinate_mode: str = "CORNERS_HEIGHT_FIRST",
    sampling_mode: str = "DEFAULT",
    pad_value: float = 0.0,
) -> Array:
    """Boxes of images, each in one size: (N, C, h, w); in the form of iOS 15, `roi`, (N, 1, C, h, w)."""
    if roi is not None:
        flat = roi.reshape(len(roi), -1)
        box_indices, boxes = (flat[:, 0], flat[:, 1:]) if flat.shape[1] == 5 else (None, flat)
    assert boxes is not None
    images = np.arange(len(boxes)) if box_indices is None else np.asarray(box_indices).astype(np.int64)
    height, width = x.shape[-2:]
    corners = _corners(boxes.astype(np.float64) * spatial_scale, box_coordinate_mode)
    made = []
    for image, (top, left, bottom, right) in zip(images, corners, strict=True):
        if normalized_coordinates:
            top, bottom, left, right = (
                top * (height - 1),
                bottom * (height - 1),
                left * (width - 1),
                right * (width - 1),
            )
        down, across = (
            _between(top, bottom, int(target_height), sampling_mode),
            _between(left, right, int(target_width), sampling_mode),
        )
        places = np.stack(np.meshgrid(down, across, indexing="ij")[::-1], axis=-1)[None]
        made.append(resample(x[image : image + 1], places, "bilinear", "constant", pad_value, "unnormalized", False)[0])
    return np.stack(made) if roi is None else np.stack(made)[:, None]


def grid(size: int, wanted: int, mode: str) -> Array:
    """The places, float64 from 0 to size - 1, that `wanted` values are taken from."""
    steps = np.arange(wanted, dtype=np.float64)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        middle = (size - 1) / 2 if mode == "ALIGN_CORNERS" else 0.0
        places = steps * (size - 1) / (wanted - 1) if wanted > 1 else np.full(1, middle)
    elif mode == "OFFSET_CORNERS":
        delta = max(1, size - 1) / wanted
        places = 0.5 * delta + steps * delta
    elif mode == "UNALIGN_CORNERS":
        places = (steps + 0.5) * size / wanted - 0.5
    else:
        places = steps * size / wanted
    return np.clip(places, 0, size - 1)


def _lines(x: Array, axis: int, wanted: int, mode: str) -> Array:
    places = grid(x.shape[axis], wanted, mode)
    low = np.floor(places).astype(np.int64)
    share = (places - low).astype(np.float32).reshape([-1 if i == x.ndim + axis else 1 for i in range(x.ndim)])
    high = np.minimum(low + 1, x.shape[axis] - 1)
    return np.take(x, low, axis=axis) * (1 - share) + np.take(x, high, axis=axis) * share


def _nearest(x: Array, axis: int, wanted: int) -> Array:
    return np.take(x, np.arange(wanted) * x.shape[axis] // wanted, axis=axis)


def _scaled(size: int, factor: float) -> int:
    return int(np.floor(size * np.float64(factor) + 1e-4))  # 1.1 as float32 times 10 is a little below 11


def _pixels(values: Array, size: int, mode: str, align_corners: bool) -> Array:
    if mode == "unnormalized":
        return values
    share = (values + 1) / 2 if mode == "normalized_minus_one_to_one" else values
    return share * (size - 1) if align_corners else share * size - 0.5


def _mirror(values: Array, size: int, mode: str, align_corners: bool) -> Array:
    """Places outside reflected: at the outer values, or, for `symmetric`, half a place beyond them."""
    low, span = (-0.5, size) if mode == "symmetric" or not align_corners else (0.0, size - 1)
    if span == 0:
        return np.zeros_like(values)
    turned = np.mod(values - low, 2 * span)
    return np.where(turned > span, 2 * span - turned, turned) + low


def _at(x: Array, rows: Array, columns: Array, padding_value: float) -> Array:
    height, width = x.shape[-2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    down, across = (np.clip(v, 0, n - 1).astype(np.int64) for v, n in ((rows, height), (columns, width)))
    found = x[np.arange(len(x))[:, None, None], :, down, across]  # (B, H', W', C)
    return np.where(inside[:, None], np.moveaxis(found, -1, 1), padding_value)


def _ends(size: int, align_corners: bool) -> Array:
    if align_corners:
        return np.linspace(-1, 1, size) if size > 1 else np.full(1, -1.0)
    return (2 * np.arange(size) + 1) / size - 1


def _corners(boxes: Array, mode: str) -> Array:
    """(top, left, bottom, right) of each box."""
    boxes = boxes if mode.endswith("HEIGHT_FIRST") else boxes[:, [1, 0, 3, 2]]
    if mode.startswith("CENTER"):
        return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    return boxes


def _between(first: float, last: float, count: int, mode: str) -> Array:
    """Places between two ends, by the sampling modes of `resize_bilinear` on the box."""
    steps = np.arange(count, dtype=np.float64)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        middle = (first + last) / 2 if mode == "ALIGN_CORNERS" else first
        return first + steps * (last - first) / (count - 1) if count > 1 else np.full(1, middle)
    if mode == "UNALIGN_CORNERS":
        return first + (steps + 0.5) * (last - first) / count - 0.5
    if mode == "OFFSET_CORNERS":
        return first + (steps + 0.5) * (last - first) / count
    size = last - first + 1
    return first + steps * ((size - size / count) / (count - 1) if count > 1 else 0)


KERNELS = {
    function.__name__: function
    for function in (
        *(resize_bilinear, resize_nearest_neighbor, upsample_bilinear, upsample_nearest_neighbor, resize, resample),
        *(affine, crop_resize),
    )
}
