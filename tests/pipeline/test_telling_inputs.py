from __future__ import annotations

import numpy as np

from converters.contract import TensorSpec
from pipeline.telling_inputs import apart, fresh_samples, fresh_sequences

X = TensorSpec("x", (1, 8, 10), "float32", limits=(0.0, 26.0))


def test_the_few_samples_on_which_an_output_moves_are_kept():
    silent = np.random.default_rng(0).normal(0, 1e-6, (60, 1, 4))
    silent[[7, 41], :, 2] = 1.0
    kept = apart({"y": silent.astype(np.float32)}, 10)
    assert {7, 41} <= set(kept.tolist())
    assert len(set(kept.tolist())) == 10
    assert apart({"y": silent}, 60).tolist() == list(range(60))


def test_an_output_that_is_no_number_is_no_reason_to_choose():
    values = np.zeros((9, 2))
    values[3], values[5] = np.nan, 4.0
    assert 5 in apart({"y": values}, 2)


def test_fresh_samples_are_legal_and_of_every_kind():
    best = {"x": np.random.default_rng(0).uniform(0, 26, (12, 1, 8, 10)).astype(np.float32)}
    kinds = [fresh_samples((X,), best, turn)["x"] for turn in range(3)]
    for values in kinds:
        assert values.shape == (12, 1, 8, 10)
        assert 0 <= values.min() < values.max() <= 26
    assert not np.array_equal(kinds[0], kinds[1])


def test_sequences_hold_no_sample_twice_and_are_legal():
    best = [{"x": np.random.default_rng(n).uniform(0, 26, (20, 1, 8, 10)).astype(np.float32)} for n in range(3)]
    made = [sequence["x"] for turn in range(3) for sequence in fresh_sequences((X,), best, turn)]
    assert len(made) == 15
    for values in made:
        assert values.shape == (20, 1, 8, 10)
        assert values.dtype == np.float32
        assert values.min() >= 0
        assert values.max() <= 26
        assert len({sample.tobytes() for sample in values}) == 20
