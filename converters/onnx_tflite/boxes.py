"""Boxes of detectors: which of them are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converters.onnx_tflite.operators import Given, Operator, known, optional, required
from converters.onnx_tflite.values import Value, plain


def _suppressed(given: Given, inputs: Sequence[Value | None]) -> Sequence[Value]:
    """NonMaxSuppression, class by class: (n, 3) of batch, class and box."""
    boxes, scores = (tf.convert_to_tensor(plain(value)) for value in required(inputs, 2))
    most = int(np.ravel(known(inputs, 2, "number of boxes"))[0]) if optional(inputs, 2) else 0
    overlap = float(np.ravel(known(inputs, 3, "overlap"))[0]) if optional(inputs, 3) else 0.0
    least = (
        float(np.ravel(known(inputs, 4, "least score"))[0]) if optional(inputs, 4) else float(np.finfo(np.float32).min)
    )
    batches, classes, count = (int(size) for size in scores.shape)
    if given.get("center_point_box", 0):
        x, y, w, h = tf.split(boxes, 4, axis=-1)
        boxes = tf.concat([y - h / 2, x - w / 2, y + h / 2, x + w / 2], -1)
    boxes = _ordered(boxes, count)
    rows = []
    for batch in range(batches):
        for kind in range(classes):
            found, valid = tf.raw_ops.NonMaxSuppressionV4(
                boxes=boxes[batch],
                scores=scores[batch, kind],
                max_output_size=min(most, count),
                iou_threshold=np.nextafter(np.float32(overlap), np.float32(2)),  # the kernel drops equal ones, too
                score_threshold=least,
                pad_to_max_output_size=True,
            )
            kept = tf.cast(found[:valid], tf.int64)
            place = tf.fill(tf.shape(kept), tf.constant(0, tf.int64))
            rows.append(tf.stack([place + batch, place + kind, kept], axis=1))
    return [Value(tf.concat(rows, 0) if len(rows) > 1 else rows[0])]


def _ordered(boxes: Any, count: int) -> Any:
    """(batches, count, 4) boxes with the lesser corner first, as the kernel wants them, whatever two corners came.

    A box without an area overlaps none, not even itself, so that LiteRT's kernel takes it again and again: each goes to
    a place of its own, away from all others.
    """
    corners = tf.split(boxes, 2, axis=-1)
    low, high = tf.minimum(*corners), tf.maximum(*corners)
    size = tf.maximum(tf.reduce_max(tf.abs(boxes)), 1.0)
    away = (3.0 + 2.0 * tf.reshape(tf.range(count, dtype=boxes.dtype), (1, count, 1))) * size
    empty = tf.reduce_any(high <= low, axis=-1, keepdims=True)
    return tf.concat([tf.where(empty, away, low), tf.where(empty, away + size, high)], -1)


BOXES: dict[str, Operator] = {"NonMaxSuppression": _suppressed}
"""By operator of ONNX."""
