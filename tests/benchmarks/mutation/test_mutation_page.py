"""The page says what was caught, what was missed, and what was set aside; nothing is dropped."""

from __future__ import annotations

from benchmarks.mutation.page import page, totals
from benchmarks.mutation.trial import Row, Sort


def row(kind="bias lost", sort=Sort.FAULT, caught=True, first=True, place=3, pairing="same", **more):
    seen = {"max_abs_1e-2": False, "top_1": False}
    fixed = {"subject": "net litert_fp32", "format": "tflite", "family": "weights", "seed": 1, "seconds": 0.1}
    found = Row(kind=kind, sort=sort, pairing=pairing, caught=caught, first=first, among=first, place=place, **fixed)
    return {**found.to_json(), "naive": seen, "effect": 0.02, **more}


ROWS = [
    row(),
    row(first=False),
    row(kind="outputs in another order", place=-1),
    row(kind="kernel | rounded", caught=False, first=False, pairing="float", said=""),
    row(kind="tensors renamed", sort=Sort.HONEST, caught=False, place=-1),
    row(kind="zero added", sort=Sort.HONEST, caught=True, place=-1, said="ADD 3: an operator | too many"),
    row(kind="bias doubled", sort=Sort.NO_EFFECT, caught=False),
    row(kind="axes permuted", sort=Sort.DOES_NOT_RUN, caught=False),
    row(kind="softmax beta", sort=Sort.NOTHING, caught=False, place=None),
]


def test_only_faults_with_an_effect_and_honest_changes_count():
    found = totals(ROWS)
    assert (found["faults"], found["caught"]) == (4, 3)
    assert (found["with_a_layer"], found["layer_first"]) == (3, 1)
    assert (found["honest"], found["false_alarms"]) == (2, 1)
    assert (found["no_effect"], found["does_not_run"]) == (1, 1)
    assert found["naive_max_abs"] == 0


def test_each_miss_and_each_false_alarm_is_a_line_of_its_own():
    text = page(ROWS, "make mutation")
    assert "missed: kernel / rounded | net litert_fp32 | the float file of its route | 1 | 0.02 | nothing |" in text
    assert (
        "false alarm: zero added | net litert_fp32 | the same file | 1 | 0.02 | ADD 3: an operator / too many |" in text
    )
    assert "**3 of 4 faults** of 3 kinds" in text
    assert "1 faults that change no output, 1 files that no runtime opens" in text


def test_without_misses_it_says_none():
    assert "None." in page([ROWS[0], ROWS[4]], "make mutation")
    assert "`make mutation` at commit abc1234, Python" in page(ROWS, "make mutation", "abc1234")
