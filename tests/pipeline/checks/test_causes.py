from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.causes import exchanged, likely

LOGITS = np.random.default_rng(0).normal(size=(64, 1, 10)) * 4
MASK = np.random.default_rng(1).normal(size=(16, 1, 6, 10, 2))


@pytest.mark.parametrize(
    ("got", "cause"),
    [
        (np.roll(LOGITS, 1, axis=0), "neighbour's output"),
        (np.roll(LOGITS, -1, axis=0), "neighbour's output"),
        (np.roll(LOGITS, 1, axis=2), r"shifted by \+1"),
        (np.roll(LOGITS, -1, axis=2), "shifted by -1"),
        (LOGITS[..., ::-1], "reversed"),
        (LOGITS[..., [1, 0, 2, 3, 4, 5, 6, 7, 8, 9]], "another order"),
        (LOGITS + np.arange(10), "a bias is lost"),
        (LOGITS * 1.5, "scaled by 1.5"),
        (np.full_like(LOGITS, 0.3), "hardly follows its input"),
        (LOGITS + 1e-3 * np.sin(9e4 * LOGITS), "16-bit"),
        (LOGITS + 5e-2 * np.sin(9e4 * LOGITS), "8-bit"),
    ],
)
def test_a_cause_of_wrong_logits(got: np.ndarray, cause: str) -> None:
    (said,) = likely(LOGITS, got, 1e-5)
    assert said.startswith("likely cause: ")
    with pytest.raises(AssertionError, match=cause):
        raise AssertionError(said)


def test_layouts() -> None:
    assert "transposed in memory" in likely(MASK, MASK.transpose(0, 1, 4, 2, 3).reshape(MASK.shape), 1e-5)[0]
    square = np.random.default_rng(2).normal(size=(16, 1, 5, 5))
    assert "the output is transposed (axes 3, 2)" in likely(square, square.swapaxes(2, 3), 1e-5)[0]


def test_noise_has_no_cause_to_name() -> None:
    assert likely(LOGITS, np.random.default_rng(5).normal(size=LOGITS.shape) * 4, 1e-5) == []


def test_exchanged_outputs() -> None:
    reference = {"a": LOGITS, "b": LOGITS[::-1], "c": LOGITS * 2}
    assert exchanged(reference, reference, 1e-5) == []
    said = exchanged(reference, {"a": LOGITS[::-1], "b": LOGITS, "c": LOGITS * 2}, 1e-5)
    assert said == [
        "`a` equals the reference's `b`: outputs are exchanged",
        "`b` equals the reference's `a`: outputs are exchanged",
    ]


def test_outputs_of_other_shapes_can_be_exchanged_too() -> None:
    reference = {"logits": LOGITS, "mask": MASK}
    assert len(exchanged(reference, {"logits": MASK, "mask": LOGITS}, 1e-5)) == 2
