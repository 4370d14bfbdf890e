from __future__ import annotations

import math
from dataclasses import replace

import pytest

from converters.errors import ToolkitCrash
from pipeline.checks.choice import Entrant, choose
from pipeline.checks.latency import Comparison
from pipeline.checks.outcome import Outcome
from pipeline.checks.sequential import Interval

SUBJECT = ("torch", "tflite", "int8", "litert-xnnpack")
MARGIN = 0.005
TIMES = {"a": 1.0, "b": 1.2, "c": 2.0}


def entrant(route, size=100, p50=None, *outcomes):
    bad = [outcome for outcome in outcomes if outcome is not Outcome.PASSED]
    reasons = tuple(f"parity: {outcome}" for outcome in bad)
    return Entrant(route, f"{route}.tflite", outcomes or (Outcome.PASSED,), reasons, size, p50)


def compared(ratio, width=0.003):
    found = Interval(ratio, ratio * (1 - width), ratio * (1 + width))
    told = "equal" if found.within(MARGIN) else "cannot tell"
    told = ("faster" if found.high < 1 else "slower") if found.excludes_one else told
    return Comparison(found, Interval(1.0, 0.99, 1.01), told, "equal", 12, 48)


class Track:
    """Races by known times; keeps who raced whom."""

    def __init__(self, times=TIMES, width=0.003):
        self.times, self.width, self.races = times, width, []

    def __call__(self, one, other):
        self.races.append((one, other))
        return compared(self.times[one] / self.times[other], self.width)


def by_route(choice):
    return {one.route: one for one in choice.candidates}


def test_the_fastest_is_taken_whatever_its_own_measurement_said():
    track = Track()
    misled = [entrant("c", p50=0.5), entrant("b", p50=0.9), entrant("a", p50=3.0)]
    choice = choose(SUBJECT, misled, track, MARGIN)
    assert (choice.route, choice.fastest) == ("a", "a")
    assert choice.reason == "the fastest on litert-xnnpack of 3 that pass every gate"
    others = by_route(choice)
    assert others["b"].ratio == pytest.approx(1.2)
    assert others["b"].ratio_low < 1.2 < others["b"].ratio_high
    assert others["b"].says == "slower than a by 20.0%"
    assert others["c"].says == "takes 2.0 times as long as a"
    assert others["a"].ratio is None


def test_who_leads_by_its_own_measurement_is_raced_once_with_each():
    track = Track()
    choose(SUBJECT, [entrant("a", p50=1.0), entrant("b", p50=1.2), entrant("c", p50=2.0)], track, MARGIN)
    assert track.races == [("b", "a"), ("c", "a")]


def test_no_pair_is_raced_twice_so_that_who_was_beaten_is_not_within_noise_afterwards():
    races = []

    def race(one, other):
        races.append((one, other))
        return compared(0.97 if (one, other) == ("b", "a") else 1.0, width=0.02 if len(races) > 1 else 0.003)

    choice = choose(SUBJECT, [entrant("a", 10), entrant("b", 20), entrant("c", 30)], race, MARGIN)
    assert races == [("b", "a"), ("c", "b")]
    assert (choice.route, choice.fastest) == ("b", "b")
    assert by_route(choice)["a"].ratio == pytest.approx(1 / 0.97)
    assert by_route(choice)["a"].says == "slower than b by 3.1%"


def test_within_noise_the_smallest_is_taken():
    track = Track({"a": 1.0, "b": 1.001, "c": 1.5})
    choice = choose(SUBJECT, [entrant("a", 100, 1.0), entrant("b", 80, 1.0), entrant("c", 10, 1.5)], track, MARGIN)
    assert choice.route == "b"
    assert choice.fastest == "a"
    assert choice.reason == "within noise of the fastest on litert-xnnpack, a, and smaller"
    assert by_route(choice)["a"].says == "the fastest, and the larger one within noise"
    assert "slower than a" in by_route(choice)["c"].says


def test_a_smaller_file_that_is_slower_by_a_hundredth_is_not_within_noise():
    choice = choose(SUBJECT, [entrant("a", 100, 1.0), entrant("b", 80, 1.0)], Track({"a": 1.0, "b": 1.01}), MARGIN)
    assert choice.route == "a"
    assert by_route(choice)["b"].says == "slower than a by 1.0%"


def test_what_cannot_be_told_apart_is_within_noise():
    choice = choose(SUBJECT, [entrant("a", 100, 1.0), entrant("b", 80, 1.1)], Track(TIMES, width=0.4), MARGIN)
    assert choice.route == "b"


def test_a_fast_and_small_file_that_fails_a_gate_never_wins():
    fast = entrant("a", 1, 0.1, Outcome.PASSED, Outcome.FAILED)
    track = Track()
    choice = choose(SUBJECT, [fast, entrant("b", p50=1.2), entrant("c", p50=2.0)], track, MARGIN)
    assert choice.route == "b"
    assert all("a" not in race for race in track.races)
    assert by_route(choice)["a"].says == "rejected, FAILED: parity: FAILED"


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in (Outcome.PASSED, Outcome.NOT_RUN)])
def test_every_outcome_but_passed_and_not_run_rejects(outcome):
    choice = choose(SUBJECT, [entrant("a", 1, 0.1, Outcome.PASSED, outcome), entrant("b")], Track(), MARGIN)
    assert choice.route == "b"
    assert choice.reason == "the only one of 2 routes that passes every gate"


def test_a_device_that_is_not_here_rejects_nobody_and_nothing_run_is_no_pass():
    away = entrant("a", 1, 1.0, Outcome.PASSED, Outcome.NOT_RUN)
    assert choose(SUBJECT, [away, entrant("b", 100, 1.2)], Track(), MARGIN).route == "a"
    never = entrant("a", 1, None, Outcome.NOT_RUN)
    assert choose(SUBJECT, [never, entrant("b", 100, 1.2)], Track(), MARGIN).route == "b"


def test_where_none_passes_the_least_bad_is_shown_and_nothing_is_timed():
    track = Track()
    entrants = [entrant("a", 1, 1.0, Outcome.CRASHED), entrant("b", 1, 1.0, Outcome.FAILED)]
    choice = choose(SUBJECT, entrants, track, MARGIN)
    assert (choice.route, choice.fastest, track.races) == ("b", "", [])
    assert choice.reason == "none of 2 routes passes every gate; this one is the least bad"


def test_where_none_passes_a_file_to_look_into_goes_before_a_route_that_makes_none():
    refused = replace(entrant("a", 0, None, Outcome.UNSUPPORTED), artifact="")
    failed = entrant("b", 1, 1.0, Outcome.FAILED)
    choice = choose(SUBJECT, [refused, failed], Track(), MARGIN)
    assert choice.route == "b"
    assert by_route(choice)["b"].outcome is Outcome.FAILED, "and it is told as what it is"
    assert by_route(choice)["a"].says == "rejected, UNSUPPORTED: parity: UNSUPPORTED"
    crashed = replace(entrant("c", 0, None, Outcome.CRASHED), artifact="")
    none = choose(SUBJECT, [crashed, refused], Track(), MARGIN)
    assert none.route == "a"
    assert none.reason == "none of 2 routes passes every gate; this one is the least bad, and makes no file"


def test_a_device_that_supports_none_of_the_files_does_not_end_the_race():
    def on_two(route, p50, *outcomes):
        return entrant(route, 100, p50, Outcome.PASSED, *outcomes)

    track = Track()
    no = Outcome.UNSUPPORTED
    choice = choose(
        SUBJECT, [on_two("b", 1.0, no), on_two("a", 2.0, no), on_two("c", 0.1, Outcome.FAILED)], track, MARGIN
    )
    assert choice.route == "a"
    assert choice.reason == "the fastest on litert-xnnpack of 2 that pass every gate where it is supported"
    assert by_route(choice)["b"].says == "slower than a by 20.0%"
    assert by_route(choice)["c"].says.startswith("rejected, FAILED")
    assert choose(SUBJECT, [on_two("a", 1.0, no), entrant("b", 100, 1.2)], Track(), MARGIN).route == "b"


def test_where_seconds_say_nothing_the_smallest_is_taken():
    choice = choose(SUBJECT, [entrant("a", 100), entrant("b", 90)], None, MARGIN)
    assert choice.route == "b"
    assert choice.reason == "litert-xnnpack tells no latency: the smallest of 2 that pass every gate"
    assert by_route(choice)["a"].says == "larger"


def test_who_cannot_be_timed_is_not_taken_and_says_why():
    choice = choose(
        SUBJECT, [entrant("a", 100, 1.0), entrant("b", 1, 2.0)], lambda one, other: ToolkitCrash("died"), MARGIN
    )
    assert choice.route == "a"
    assert by_route(choice)["b"].says == "could not be timed beside a: died"


def test_times_that_go_round_in_a_circle_end():
    def circle(one, other):
        return compared(0.5 if (one, other) in {("b", "a"), ("c", "b"), ("a", "c")} else 2.0)

    choice = choose(SUBJECT, [entrant(route, p50=1.0) for route in "abc"], circle, MARGIN)
    assert choice.route in "abc"
    assert "contradict each other" in choice.reason


def test_an_interval_without_an_end_is_not_told():
    open_ended = Comparison(Interval(1.0, 0.0, math.inf), Interval(1.0, 0.0, math.inf), "cannot tell", "equal", 2, 8)
    choice = choose(SUBJECT, [entrant("a", 100, 1.0), entrant("b", 90, 1.0)], lambda one, other: open_ended, MARGIN)
    assert by_route(choice)["b"].ratio_high is None
