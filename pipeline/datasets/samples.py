"""Data set arrays as the calls of a source model: its layout, its dtype, its names."""

from __future__ import annotations

import numpy as np

from converters.contract import Arrays, TensorSpec
from converters.errors import DataError
from pipeline.preprocessing import AS_THEY_ARE, Preprocessing


def to_samples(inputs: Arrays, specs: tuple[TensorSpec, ...], preprocessing: Preprocessing = AS_THEY_ARE) -> Arrays:
    """Every sample as one call of the model: `(n, *shape)` by input name, a batch axis of 1 where there is one.

    uint8 images `(n, H, W, C)` (or `(n, H, W)`) go into the layout that the spec names, pixel values unchanged unless
    `preprocessing` says otherwise; other arrays must have the shape already. Arrays that the model has no input for are
    left out. With one array and one input the names may differ.

    Raises:
        DataError: an input has no array, or one of another size, channel count or kind of number.
    """
    if len(inputs) == 1 and len(specs) == 1:
        inputs = {specs[0].name: next(iter(inputs.values()))}
    missing = [spec.name for spec in specs if spec.name not in inputs]
    if missing:
        raise DataError(
            f"the data has no array for the model's input {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, inputs))}. Name the arrays like the model's inputs"
        )
    return {spec.name: _fit(inputs[spec.name], spec, preprocessing) for spec in specs}


def _fit(array: np.ndarray, spec: TensorSpec, preprocessing: Preprocessing) -> np.ndarray:
    batched = _has_batch(spec, array)
    wanted = spec.shape[1:] if batched else spec.shape
    axes = spec.layout[1:] if batched else spec.layout
    named = array.dtype == np.uint8 and sorted(axes) == ["C", "H", "W"]
    rows = _image(array, spec, axes) if named else array
    if preprocessing.changes and rows.dtype == np.uint8 and rows.ndim == 4:
        rows = preprocessing.applied(rows, 1 + axes.index("C") if named else -1)
    if rows.ndim != len(wanted) + 1 or any(w not in (None, g) for w, g in zip(wanted, rows.shape[1:], strict=True)):
        raise DataError(
            f"the model's input {spec.name!r} takes {_text(wanted)} a sample, the data has {_text(array.shape[1:])}; "
            "give data of that shape, or a model built for this data"
        )
    rows = _cast(rows, spec)
    return rows[:, None] if batched else rows


def _has_batch(spec: TensorSpec, array: np.ndarray) -> bool:
    if spec.layout:
        first_is_batch = spec.layout.startswith("N")
    else:
        first_is_batch = bool(spec.shape) and spec.shape[0] in (None, 1) and array.ndim == len(spec.shape)
    if first_is_batch and spec.shape[0] not in (None, 1):
        raise DataError(
            f"the model's input {spec.name!r} takes {spec.shape[0]} samples in one call, {_text(spec.shape)}; "
            "export it with a batch of 1 or a dynamic batch"
        )
    return first_is_batch


def _image(array: np.ndarray, spec: TensorSpec, axes: str) -> np.ndarray:
    """`(n, H, W, C)` pixels with the axes in the order that the spec names."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        return array
    found = dict(zip("HWC", array.shape[1:], strict=True))
    wanted = dict(zip(axes, spec.shape[-3:], strict=True))
    size = f"{wanted['H']}x{wanted['W']}"
    if any(wanted[axis] not in (None, found[axis]) for axis in "HW"):
        raise DataError(
            f"the model's input {spec.name!r} takes images of {size} (height x width), the data has "
            f"{found['H']}x{found['W']}; load the folder with --image-size {size}, or build the model for the data"
        )
    if wanted["C"] not in (None, found["C"]):
        raise DataError(
            f"the model's input {spec.name!r} takes {wanted['C']} channels, the images have {found['C']} "
            "(1 is grey, 3 is RGB); convert the images, or build the model for them"
        )
    return array.transpose(0, *(1 + "HWC".index(axis) for axis in axes))


def _cast(rows: np.ndarray, spec: TensorSpec) -> np.ndarray:
    dtype = np.dtype(spec.dtype)
    if rows.dtype == dtype:
        return rows
    integers = rows.dtype.kind in "iu" and dtype.kind in "iu"
    if integers and rows.size and np.iinfo(dtype).min <= rows.min() and rows.max() <= np.iinfo(dtype).max:
        return rows.astype(dtype)
    if integers or not np.can_cast(rows.dtype, dtype, "same_kind"):
        raise DataError(
            f"the model's input {spec.name!r} takes {dtype}, the data is {rows.dtype} and its values do not fit; "
            f"store the array as {dtype}"
        )
    return rows.astype(dtype)


def _text(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "one number"
