from __future__ import annotations

import numpy as np

from converters.reach import Reach, Watched
from pipeline.golden_cover import (
    BINS,
    Marks,
    both_sides,
    ends,
    greedy,
    joined,
    quantile_bins,
    seen,
    sides,
    threshold_places,
    together,
)

RNG = np.random.default_rng(0)


def reach(least: np.ndarray, greatest: np.ndarray | None = None, at: tuple[float, ...] = ()) -> Reach:
    least = np.asarray(least, np.float32)
    top = least if greatest is None else np.asarray(greatest, np.float32)
    return Reach((Watched("layer", "relu6", least.shape[1], at),), least, top, np.ones(len(least), dtype=bool), 9)


def test_every_bin_of_a_moving_channel_is_a_mark_and_a_still_one_has_none() -> None:
    values = np.stack([np.arange(80.0), np.full(80, 3.0)], axis=1)
    bins = quantile_bins(reach(values), np.arange(80))
    assert bins.shown(np.arange(80)) == 2 * BINS  # of the least and of the greatest value
    assert bins.shown(np.arange(10)) == 2
    assert len(greedy(bins, np.arange(80), 80)) == BINS


def test_bins_are_cut_at_the_quantiles_of_the_real_ones_and_made_up_ones_fall_into_the_outer() -> None:
    values = np.concatenate([np.arange(80.0), [1e6, -1e6]])[:, np.newaxis]
    bins = quantile_bins(reach(values), np.arange(80))
    assert (bins.bits[80] == bins.bits[79]).all()
    assert (bins.bits[81] == bins.bits[0]).all()


def test_what_did_not_run_is_in_no_bin() -> None:
    values = np.concatenate([np.arange(16.0), [np.nan]])[:, np.newaxis]
    assert quantile_bins(reach(values), np.arange(17)).shown(np.array([16])) == 0
    assert seen(reach(np.full((3, 1), np.nan)))[0].tolist() == [0]


def test_ends_are_what_any_sample_reaches() -> None:
    found = ends(reach([[0.0], [1.0], [0.5], [0.98]], [[0.0], [1.0], [0.5], [0.98]]))
    assert [found.shown(np.array([row])) for row in range(4)] == [1, 1, 0, 1]
    assert found.shown(np.arange(4)) == 2


def test_sides_of_each_threshold_of_each_channel() -> None:
    found = reach([[-1.0, 2.0], [1.0, 7.0]], [[3.0, 6.0], [8.0, 9.0]], (0.0, 6.0))
    below, above = sides(found)
    assert threshold_places(found).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]]
    assert below.tolist() == [[True, False, True, True], [False, False, True, False]]
    assert above.tolist() == [[True, True, False, False], [True, True, True, True]]
    assert both_sides(found).shown(np.arange(2)) == 7


def test_greedy_takes_the_most_telling_first_and_stops_when_all_is_shown() -> None:
    rows = np.zeros((5, 16), dtype=bool)
    rows[0, :3], rows[1, 2:9], rows[2, :9], rows[3, 9:11], rows[4, 0] = True, True, True, True, True
    marks = Marks(np.packbits(rows, axis=1))
    assert greedy(marks, np.arange(5), 5) == [2, 3]
    assert greedy(marks, np.array([0, 1, 4]), 5) == [1, 0]
    assert greedy(marks, np.arange(5), 5, together(marks, np.array([2]))) == [3]


def test_lazy_greedy_is_greedy() -> None:
    rows = RNG.random((60, 400)) < 0.05
    chosen: list[int] = []
    covered = np.zeros(400, dtype=bool)
    while len(chosen) < 20:
        gains = (rows & ~covered).sum(axis=1)
        chosen.append(int(gains.argmax()))
        covered |= rows[chosen[-1]]
    assert greedy(Marks(np.packbits(rows, axis=1)), np.arange(60), 20) == chosen


def test_values_that_only_one_survey_saw_are_left_out() -> None:
    first = Reach((Watched("a", "x", 1), Watched("b", "x", 2)), *[np.ones((2, 3), np.float32)] * 2, np.ones(2, bool), 3)
    second = Reach(
        (Watched("b", "x", 2), Watched("c", "x", 1)), *[np.zeros((1, 3), np.float32)] * 2, np.ones(1, bool), 3
    )
    both = joined(first, second)
    assert [value.name for value in both.watched] == ["b"]
    assert both.least.tolist() == [[1, 1], [1, 1], [0, 0]]
