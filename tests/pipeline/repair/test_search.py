from __future__ import annotations

import math

import pytest

from pipeline.repair.search import fewest, without_needless

RANKED = [f"layer{place}" for place in range(40)]


class Needs:
    """Passes where all of some layers are kept; counts the questions, none asked twice."""

    def __init__(self, *places: int) -> None:
        self.needed = {RANKED[place] for place in places}
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, kept: tuple[str, ...]) -> bool:
        assert kept not in self.asked, "asked twice"
        self.asked.append(kept)
        return self.needed <= set(kept)


@pytest.mark.parametrize("last", [0, 1, 2, 3, 6, 7, 8, 15, 16, 30, 39])
def test_the_fewest_of_the_ranking_are_found_in_few_questions(last: int) -> None:
    needs = Needs(0, last)
    assert fewest(RANKED, needs, most=40) == tuple(RANKED[: last + 1])
    assert len(needs.asked) <= 2 * math.log2(last + 1) + 3


def test_none_where_no_number_helps() -> None:
    assert fewest(RANKED, Needs(20), most=20) is None
    assert fewest(RANKED, lambda kept: False, most=40) is None
    assert fewest(RANKED, Needs(0), most=0) is None
    assert fewest([], Needs(0), most=5) is None


def test_the_limit_itself_is_asked_about() -> None:
    assert fewest(RANKED, Needs(20), most=21) == tuple(RANKED[:21])


def test_needless_layers_are_dropped_within_the_budget() -> None:
    needs = Needs(0, 5, 9)
    kept = fewest(RANKED, needs, most=40)
    assert kept is not None
    before = len(needs.asked)
    assert without_needless(kept, needs, budget=20) == (RANKED[0], RANKED[5], RANKED[9])
    assert len(needs.asked) - before == 9
    assert len(without_needless(kept, Needs(0, 5, 9), budget=2)) == 8
