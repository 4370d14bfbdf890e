from __future__ import annotations

import numpy as np

from pipeline.datasets.split import balanced, stratified

TARGETS = np.array([0] * 50 + [1] * 10 + [2] * 2 + [3])


def test_every_class_keeps_its_share() -> None:
    kept, held = stratified(TARGETS, 0.2, seed=0)
    assert np.bincount(TARGETS[held]).tolist() == [10, 2, 1]
    assert np.bincount(TARGETS[kept]).tolist() == [40, 8, 1, 1]


def test_nothing_is_lost_or_doubled() -> None:
    kept, held = stratified(TARGETS, 0.2, seed=0)
    assert sorted([*kept, *held]) == list(range(len(TARGETS)))


def test_the_seed_decides() -> None:
    first, again, other = (stratified(TARGETS, 0.2, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_no_samples_make_empty_parts() -> None:
    kept, held = stratified(np.zeros(0, np.int64), 0.2, seed=0)
    assert (len(kept), len(held)) == (0, 0)


def test_balanced_takes_the_same_from_each() -> None:
    assert np.bincount(TARGETS[balanced(TARGETS[:62], 2, seed=0)]).tolist() == [2, 2, 2]
