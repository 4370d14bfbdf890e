"""Images on which an artifact answers otherwise than the reference, ready to be shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np

from converters.errors import DataError
from pipeline.report.document import Flip

SHOWN_PX = 96
LARGEST_PX = 224


def flips(
    scores: Mapping[str, np.ndarray],
    reference: np.ndarray,
    targets: np.ndarray,
    images: np.ndarray,
    labels: Sequence[str],
    *,
    logits: bool = False,
    limit: int = 24,
) -> tuple[Flip, ...]:
    """At most `limit` flipped predictions; cells that flip a sample to the same class share one record.

    Every cell with a flip is shown before any is shown twice, the surest wrong answers first. Samples for which a
    cell gives NaN are no flips: parity has failed there.

    Args:
        scores: by `Cell.id`, probabilities (or logits, see `logits`) as (n, classes).
        reference: the same of the framework's eager model.
        targets: the right class of each sample, (n,) integer.
        images: (n, H, W, C) uint8, C 1 or 3.
        labels: the names of the first classes; a class without one is called by its number.
        logits: whether scores and reference are logits, which softmax turns into probabilities.
        limit: how many records.

    Raises:
        DataError: shapes that do not belong together.
    """
    _check_shapes(scores, reference, targets, images)
    sure = _softmax(reference) if logits else np.asarray(reference, np.float64)
    answers = reference.argmax(axis=1)
    found: dict[tuple[int, int], list[tuple[str, float]]] = {}
    for cell, rows in scores.items():
        other = _softmax(rows) if logits else np.asarray(rows, np.float64)
        flipped = np.isfinite(rows).all(axis=1) & (rows.argmax(axis=1) != answers)
        for sample in np.flatnonzero(flipped):
            predicted = int(rows[sample].argmax())
            found.setdefault((int(sample), predicted), []).append((cell, float(other[sample, predicted])))
    return tuple(
        Flip(
            cell=found[key][0][0],
            also=tuple(cell for cell, _ in found[key][1:]),
            sample=sample,
            label=_name(labels, int(targets[sample])),
            reference=_name(labels, int(answers[sample])),
            predicted=_name(labels, predicted),
            reference_probability=float(sure[sample, answers[sample]]),
            predicted_probability=found[key][0][1],
            png_base64=png(images[sample]),
        )
        for key in _chosen(found, limit)
        for sample, predicted in [key]
    )


def png(image: np.ndarray) -> str:
    """A PNG of (H, W, C) uint8 in base64; tiny images enlarged without smoothing, large ones made smaller."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    side = max(picture.size)
    if side < SHOWN_PX:
        factor = -(-SHOWN_PX // side)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    elif side > LARGEST_PX:
        picture.thumbnail((LARGEST_PX, LARGEST_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _chosen(found: Mapping[tuple[int, int], list[tuple[str, float]]], limit: int) -> list[tuple[int, int]]:
    """The keys to show: first those that bring in a cell not shown yet, then the surest of the rest."""
    order = sorted(found, key=lambda key: (-found[key][0][1], key))
    seen: set[str] = set()
    first: list[tuple[int, int]] = []
    rest: list[tuple[int, int]] = []
    for key in order:
        cells = {cell for cell, _ in found[key]}
        (rest if cells <= seen else first).append(key)
        seen |= cells
    return (first + rest)[:limit]


def _name(labels: Sequence[str], number: int) -> str:
    return labels[number] if number < len(labels) else f"class {number}"


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _check_shapes(
    scores: Mapping[str, np.ndarray],
    reference: np.ndarray,
    targets: np.ndarray,
    images: np.ndarray,
) -> None:
    if reference.ndim != 2:
        raise DataError(f"flips: reference has shape {reference.shape}; (samples, classes) was expected")
    n, classes = reference.shape
    for name, rows in scores.items():
        if rows.shape != (n, classes):
            raise DataError(f"flips: {name} has shape {rows.shape}; {n} samples of {classes} classes were expected")
    if targets.shape != (n,) or len(images) != n:
        raise DataError(f"flips: {n} predictions, but targets {targets.shape} and {len(images)} images")
    if n and not 0 <= targets.min() <= targets.max() < classes:
        raise DataError(f"flips: targets go from {targets.min()} to {targets.max()}; there are {classes} classes")
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
        raise DataError(f"flips: images are {images.dtype} {images.shape}; uint8 (n, H, W, 1 or 3) was expected")
