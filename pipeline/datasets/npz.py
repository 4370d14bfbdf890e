"""Data sets from one .npz file; nothing in it is ever unpickled.

Two forms: `x_train`, `y_train`, `x_test`, `y_test`; or one array an input, by the input's name, with `labels` (or
`y`) beside them, split here. `label_names` is optional in both. Labels are integers, names or one-hot rows.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from converters.contract import Arrays
from converters.errors import DataError
from pipeline.datasets.dataset import IMAGE, Dataset, Split
from pipeline.datasets.split import stratified

_KERAS = ("x_train", "y_train", "x_test", "y_test")
_TARGETS = ("labels", "y")
_NAMES = "label_names"
_TEST_SHARE = 0.2
_NUMERIC = "fiub"


def load(path: Path, seed: int) -> Dataset:
    """The data set in a file; a fifth of every class is held out as test where the file does not say.

    Raises:
        DataError: the file is damaged, holds pickles, or holds arrays that make no data set.
    """
    arrays = _read(path)
    names = arrays.pop(_NAMES, None)
    notes: list[str] = []
    if any(key in arrays for key in _KERAS):
        missing = [key for key in _KERAS if key not in arrays]
        if missing:
            raise DataError(
                f"{path} has {', '.join(sorted(arrays))} but no {', '.join(missing)}; "
                f"it needs all of {', '.join(_KERAS)}"
            )
        count = len(arrays["y_train"])
        both = np.concatenate([_flat(arrays["y_train"], path), _flat(arrays["y_test"], path)])
        targets, labels = _number(both, names, path)
        train = Split(_inputs({"x": arrays["x_train"]}, path, notes), targets[:count])
        test = Split(_inputs({"x": arrays["x_test"]}, path, notes), targets[count:])
    else:
        train, test, labels = _split(arrays, names, path, seed, notes)
    return Dataset(path.stem, "unknown", path.name, labels, train, test, tuple(dict.fromkeys(notes)))


def _read(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read as an .npz of plain arrays: {error}; write it with np.savez (object arrays are "
            "pickles, which are never loaded)"
        ) from error
    scalars = [name for name, array in arrays.items() if array.ndim == 0]
    if scalars or not arrays:
        raise DataError(f"{path}: {', '.join(scalars) or 'no array'} holds no samples; give arrays (samples, ...)")
    return arrays


def _split(
    arrays: Arrays, names: np.ndarray | None, path: Path, seed: int, notes: list[str]
) -> tuple[Split, Split, tuple[str, ...]]:
    key = next((key for key in _TARGETS if key in arrays), None)
    raw = arrays.pop(key) if key else None
    if not arrays:
        raise DataError(f"{path} has labels but no inputs; add one array for each input of the model, by its name")
    sizes = {name: len(array) for name, array in arrays.items()} | ({} if raw is None else {str(key): len(raw)})
    if len(set(sizes.values())) > 1:
        raise DataError(f"{path}: arrays of different lengths, {sizes}; each sample needs one row in every array")
    inputs = _inputs(arrays, path, notes)
    count = next(iter(sizes.values()))
    targets, labels = (None, ()) if raw is None else _number(_flat(raw, path), names, path)
    kept, held = stratified(np.zeros(count, np.int64) if targets is None else targets, _TEST_SHARE, seed)
    notes.append(f"{len(held)} of {count} samples held out as test, seed {seed}")

    def part(rows: np.ndarray) -> Split:
        return Split({name: array[rows] for name, array in inputs.items()}, None if targets is None else targets[rows])

    return part(kept), part(held), labels


def _inputs(arrays: Arrays, path: Path, notes: list[str]) -> Arrays:
    """The inputs, checked; a lone array of pixels becomes `image`, `(n, H, W, C) uint8`."""
    for name, array in arrays.items():
        if array.dtype.kind not in _NUMERIC:
            raise DataError(f"{path}: {name} is {array.dtype}; inputs must be numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{path}: {name} holds NaN or infinite values; remove those samples or fill them")
    if len(arrays) > 1:
        return arrays
    name, array = next(iter(arrays.items()))
    if not _is_pixels(array):
        return arrays
    if array.ndim == 3:
        array = array[..., None]
    if array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
        notes.append(f"{name}: channels moved last, (n, C, H, W) -> (n, H, W, C)")
    return {IMAGE: np.ascontiguousarray(array, dtype=np.uint8)}


def _is_pixels(array: np.ndarray) -> bool:
    if array.ndim not in (3, 4) or array.dtype.kind not in "iu" or 0 in array.shape:
        return False
    return array.dtype == np.uint8 or bool(array.min() >= 0 and 1 < array.max() <= 255)


def _flat(raw: np.ndarray, path: Path) -> np.ndarray:
    """Labels as `(n,)` integers or texts, from `(n,)`, `(n, 1)` or one-hot `(n, classes)`."""
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.ndim == 2 and raw.dtype.kind in _NUMERIC and ((raw == 0) | (raw == 1)).all() and (raw.sum(1) == 1).all():
        return raw.argmax(1).astype(np.int64)
    whole = raw.dtype.kind in "fb" and np.isfinite(raw).all() and (raw == np.round(raw)).all()
    if whole:
        raw = raw.astype(np.int64)
    if raw.ndim != 1 or raw.dtype.kind not in "iuUS":
        raise DataError(
            f"{path}: labels must be integers, names or one-hot rows, one a sample; found {raw.dtype}{list(raw.shape)}"
        )
    return raw if raw.dtype.kind in "US" else raw.astype(np.int64)


def _number(raw: np.ndarray, names: np.ndarray | None, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """(class numbers, class names). Without names every number from 0 to the highest must occur."""
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise DataError(f"{path}: {_NAMES} must be a list of texts, found {names.dtype}{list(names.shape)}")
    known = None if names is None else tuple(_text(name) for name in names)
    if raw.dtype.kind in "US":
        texts = [_text(item) for item in raw]
        known = known or tuple(sorted(set(texts)))
        strange = sorted(set(texts) - set(known))
        if strange:
            raise DataError(f"{path}: labels {strange[:5]} are not in {_NAMES} {list(known)}")
        numbers = {name: number for number, name in enumerate(known)}
        return np.array([numbers[item] for item in texts], np.int64), known
    found = np.unique(raw)
    if known is None and not np.array_equal(found, np.arange(len(found))):
        absent = sorted(set(range(min(int(found[-1]) + 1, 10_000))) - {int(value) for value in found})[:5]
        raise DataError(
            f"{path}: labels are out of range: they run from {found[0]} to {found[-1]}"
            + (f" and class {', '.join(map(str, absent))} never occurs" if absent else "")
            + f"; number the {len(found)} classes from 0 without gaps, or add {_NAMES} with every class"
        )
    return raw, known or tuple(str(value) for value in found)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
