from __future__ import annotations

import dataclasses

import pytest
from sample_drifts import DEEP, OTHER, SAME

from pipeline.checks.outcome import Outcome
from pipeline.report.layers import file_layers, summary


def test_files_with_suspects_come_first() -> None:
    assert [file.outcome for file in file_layers((SAME, OTHER, DEEP))] == [
        Outcome.FAILED,
        Outcome.PASSED,
        Outcome.PASSED,
    ]


def test_what_a_file_fuses_stands_on_one_line() -> None:
    (file,) = file_layers((SAME,))
    assert [(row.ours, row.theirs, row.snr) for row in file.rows] == [
        ("", "0 TRANSPOSE", ""),
        ("0 conv2d + 1 relu6", "1 CONV_2D", "131.4 dB"),
        ("2 mean", "2 MEAN", "equal"),
        ("3 linear", "3 FULLY_CONNECTED", "118.0 dB"),
        ("4 softmax", "", ""),
    ]
    assert not file.in_steps
    assert not any(row.suspect for row in file.rows)


def test_suspects_are_marked_where_they_stand_and_told_with_both_sides() -> None:
    (file,) = file_layers((OTHER,))
    assert [(row.theirs or row.ours) for row in file.rows if row.suspect] == ["2 CONV_2D", "3 FULLY_CONNECTED"]
    assert file.differences[0].parameters == (("zero_point", "-128", "-127"), ("scale", "0.0235", "0.0235"))
    assert file.differences[1].where == "FULLY_CONNECTED 3 (logits)"
    assert file.in_steps
    assert file.notes == OTHER.notes


def test_what_only_changes_the_number_type_is_counted_not_listed() -> None:
    (file,) = file_layers((OTHER,))
    assert file.bridges == 2
    assert "QUANTIZE" not in {row.theirs.partition(" ")[2] for row in file.rows}


def test_a_bridge_that_is_a_suspect_is_listed() -> None:
    suspect = dataclasses.replace(OTHER.suspects[0], b=dataclasses.replace(OTHER.suspects[0].b, op_index=0))
    (file,) = file_layers((dataclasses.replace(OTHER, suspects=(suspect,)),))
    assert file.bridges == 1
    assert file.rows[0].suspect


def test_the_summary_says_how_much_was_held_side_by_side() -> None:
    assert summary(SAME) == "6 of 6 layers aligned, all weights compared, worst layer 118.0 dB (FULLY_CONNECTED 3)"
    assert (
        summary(OTHER)
        == "3 of 4 layers aligned, 99.1% of the weights compared, worst layer \N{MINUS SIGN}1.5 dB (CONV_2D 2)"
    )
    assert summary(dataclasses.replace(SAME, coverage={}, layers=())) == ""


def test_a_file_of_which_no_values_were_seen_has_no_plot() -> None:
    blind = dataclasses.replace(SAME, layers=tuple(dataclasses.replace(one, snr_db=None) for one in SAME.layers))
    assert file_layers((blind,))[0].plot is None


@pytest.mark.parametrize("drift", [SAME, OTHER, DEEP])
def test_the_plot_has_a_column_a_row_and_marks_suspects(drift) -> None:
    (file,) = file_layers((drift,))
    assert file.plot is not None
    assert file.plot.count("<rect") == len(file.rows)
    assert file.plot.count('class="bar bad"') == sum(row.suspect for row in file.rows)
    assert "<script>" not in file.plot
