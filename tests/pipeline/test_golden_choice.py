"""The choice, on a model in plain numpy that is looked into: four channels, clipped at 0 and 6."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from converters.contract import Arrays, Signature, TensorSpec
from converters.errors import DataError, UnsupportedError
from converters.reach import Reach, Watched
from pipeline.golden_choice import Candidates, choose_by_reach
from pipeline.golden_inputs import AT_LIMITS, FEWEST_REAL, NO_LABEL

VECTOR = TensorSpec("vector", (1, 6), "float32", limits=(-4.0, 4.0))
SIGNATURE = Signature((VECTOR,), (TensorSpec("scores", (1, 4), "float32"),))
WEIGHTS = np.random.default_rng(1).normal(size=(6, 4))
REAL = np.random.default_rng(2).normal(scale=0.5, size=(300, 1, 6)).astype(np.float32).clip(-4, 4)
LABELS = np.arange(300) % 10


@dataclass
class Toy:
    """One linear layer; `unsteady` samples have a first value above that."""

    gradients: bool = True
    unsteady: float = np.inf
    surveyed: list[int] = field(default_factory=list)

    def survey(self, inputs: Arrays, legal: dict, nudged: bool) -> Reach:
        values = inputs["vector"][:, 0] @ WEIGHTS
        self.surveyed.append(len(values))
        watched = (Watched("dense", "relu6", 4, (0.0, 6.0)),)
        usable = inputs["vector"][:, 0, 0] <= self.unsteady
        return Reach(watched, *[values.astype(np.float32)] * 2, usable, 4)

    def climb(self, inputs: Arrays, legal: dict, steps: int, goals: np.ndarray) -> Arrays:
        if not self.gradients:
            raise UnsupportedError("none")
        signs = np.sign(WEIGHTS[:, goals[:, 1]].T * goals[:, 2:])
        return {"vector": np.float32(4 * signs)[:, np.newaxis]}


def chosen(toy: Toy, count: int = 64, targets: np.ndarray | None = LABELS):
    return choose_by_reach(Candidates({"vector": REAL}, targets), SIGNATURE, count, 0, toy, lambda text: None)[:2]


def test_real_ones_first_then_made_up_ones_that_cross_what_no_real_one_does() -> None:
    found, exercise = chosen(Toy())
    made = found.index == AT_LIMITS
    assert (len(made), made.sum()) == (64, 16)
    np.testing.assert_array_equal(found.inputs["vector"][~made], REAL[found.index[~made]])
    np.testing.assert_array_equal(found.label[~made], LABELS[found.index[~made]])
    assert (found.label[made] == NO_LABEL).all()
    assert not made[: 64 - 16].any()
    assert (REAL[:, 0] @ WEIGHTS).max() < 6
    values = found.inputs["vector"][:, 0] @ WEIGHTS
    assert (values.max(axis=0) > 6).all()
    assert (exercise.thresholds, exercise.crossed, exercise.reachable) == (8, 8, 8)
    assert exercise.not_crossed == ()


def test_classes_stay_even_and_the_choice_beats_a_draw() -> None:
    found, exercise = chosen(Toy())
    assert np.bincount(found.label[found.label >= 0], minlength=10).min() >= 2
    assert exercise.bins_share > 0.99
    assert exercise.ends_share == 1


def test_without_gradients_patterns_and_their_children_must_do() -> None:
    toy = Toy(gradients=False)
    _, exercise = chosen(toy)
    assert exercise.crossed == exercise.reachable >= 6
    assert len(toy.surveyed) == 4  # a probe, real ones, patterns, children


def test_made_up_samples_that_are_unsteady_are_left_out() -> None:
    found, _ = chosen(Toy(unsteady=2.0))
    assert found.inputs["vector"][found.index == AT_LIMITS, 0, 0].max() <= 2


def test_unsteady_inputs_in_the_place_of_real_ones_are_left_out_too() -> None:
    def given(steady: bool) -> np.ndarray:
        toy = Toy(unsteady=1.0)
        found, *_ = choose_by_reach(
            Candidates({"vector": REAL}, None), SIGNATURE, 64, 0, toy, lambda text: None, steady=steady
        )
        return found.inputs["vector"][:, 0, 0]

    assert given(steady=True).max() <= 1
    assert given(steady=False).max() > 1  # the owner's own data are judged whatever they do


def test_what_cannot_be_crossed_is_named() -> None:
    class Shy(Toy):
        def survey(self, inputs: Arrays, legal: dict, nudged: bool) -> Reach:
            found = super().survey(inputs, legal, nudged)
            return Reach(found.watched, found.least / 10, found.greatest / 10, found.usable, 4)

    _, exercise = chosen(Shy())
    assert exercise.not_crossed == ("dense relu6 never above 6: 4 channels",)
    assert (exercise.crossed, exercise.reachable) == (4, 4)


@pytest.mark.parametrize(("count", "real"), [(20, FEWEST_REAL), (32, 24), (256, 192)])
def test_enough_real_ones_stay(count: int, real: int) -> None:
    found, _ = chosen(Toy(), count, None)
    assert len(found.index) == count
    assert (found.index != AT_LIMITS).sum() == real
    assert (found.label == NO_LABEL).all()


def test_few_real_ones_are_all_taken() -> None:
    few = Candidates({"vector": REAL[:12]}, None)
    found, *_ = choose_by_reach(few, SIGNATURE, 64, 0, Toy(), lambda text: None)
    assert found.index[found.index != AT_LIMITS].tolist() == list(range(12))


def test_the_same_seed_chooses_the_same() -> None:
    first, again = chosen(Toy()), chosen(Toy())
    assert first[0].inputs["vector"].tobytes() == again[0].inputs["vector"].tobytes()
    assert first[1] == again[1]


def test_data_that_is_not_finite_is_the_users_to_mend() -> None:
    broken = REAL.copy()
    broken[7] = np.nan
    with pytest.raises(DataError, match="`vector` holds NaN or Inf"):
        choose_by_reach(Candidates({"vector": broken}, None), SIGNATURE, 64, 0, Toy(), lambda text: None)


def test_a_model_that_shows_nothing_is_said() -> None:
    class Closed(Toy):
        def survey(self, inputs: Arrays, legal: dict, nudged: bool) -> Reach:
            raise UnsupportedError("closed")

    with pytest.raises(UnsupportedError, match="closed"):
        chosen(Closed())
