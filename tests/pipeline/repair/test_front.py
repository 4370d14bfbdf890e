from __future__ import annotations

from collections.abc import Callable

from pipeline.configs import load_configs
from pipeline.repair.candidates import Bench
from pipeline.repair.front import rows, timed
from pipeline.repair.repair import repair


def test_the_front_has_what_no_other_file_beats(bench: Callable[..., Bench]) -> None:
    made = bench("relu", target_drop=1.0)
    found = repair(made, lambda _: None)
    table = rows(made, found)
    assert [row.name for row in table] == ["float32", "int8", "int8 equalize"]
    assert [row.chosen for row in table] == [False, False, True]
    assert table[2].on_front
    assert table[0].drop_points == 0.0
    for row in table[1:]:
        assert row.drop_low is not None
        assert row.drop_high is not None
        assert row.drop_low <= row.drop_points <= row.drop_high
        assert row.size_bytes == next(c.artifact.size_bytes for c in made.files if c.samples == row.samples)


def test_the_chosen_file_is_timed_beside_the_float_file(bench: Callable[..., Bench]) -> None:
    made = bench("relu", target_drop=1.0)
    found = repair(made, lambda _: None)
    _, gates = load_configs(None, None)
    table, missed = timed(made, rows(made, found), gates.latency, 0.3)
    assert missed == []
    assert table[0].latency_ratio == 1.0
    chosen = next(row for row in table if row.chosen)
    assert chosen.latency_ratio is not None
    assert chosen.latency_low is not None
    assert chosen.latency_low <= chosen.latency_ratio <= chosen.latency_high
