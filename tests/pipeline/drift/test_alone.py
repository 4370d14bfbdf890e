from __future__ import annotations

import dataclasses

import numpy as np
from drift_models import KERNEL, dense
from gates.in_process import InProcess

from pipeline import config
from pipeline.checks.drift.cuts import segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import matched
from pipeline.drift.alone import Alone
from pipeline.drift.work import Work


class Counting(Alone):
    """Notes how many rows each side was asked for."""

    def asked(self, artifact, pieces):
        side = "a" if artifact is self.work.a else "b"
        counted = [(side, len(next(iter(given.values())))) for given, _ in pieces]
        self.rows = [*getattr(self, "rows", []), *counted]
        return super().asked(artifact, pieces)


def compared(tmp_path, **changes):
    alone, cut = opened(tmp_path, **changes)
    return alone.compare([cut])[cut]


def opened(tmp_path, **changes):
    a, b = dense(tmp_path / "a.tflite"), dense(tmp_path / "b.tflite", **changes)
    work = Work(a, b, None, InProcess(), config.load().limits)
    sides = []
    for file in (a, b):
        graph = work.ask(file, "graph")
        sides.append(Known(graph, work.trace(file, graph, [*graph.inputs, 2, 5])))
    pairs = matched(*sides)
    cut = segment(*sides, pairs[5], pairs)
    assert cut is not None
    return Counting(work, *sides), cut


def test_a_layer_alone_agrees_with_itself(tmp_path):
    found = compared(tmp_path)
    assert found is not None
    assert found.agrees


def test_a_clip_that_recorded_values_do_not_reach_is_seen_on_made_up_ones(tmp_path):
    found = compared(tmp_path, activation=3)
    assert found is not None
    assert (found.agrees, found.real) == (False, False)


def test_weights_rounded_to_16_bits_are_seen(tmp_path):
    found = compared(tmp_path, kernel=KERNEL.astype(np.float16).astype(np.float32))
    assert found is not None
    assert not found.agrees


def test_values_moved_by_their_rounding_are_asked_for_only_where_they_decide(tmp_path):
    alone, cut = opened(tmp_path)
    assert alone.compare([cut])[cut].agrees
    assert alone.rows == [("a", 10), ("b", 10)]
    alone, cut = opened(tmp_path, kernel=KERNEL * np.float32(1.001))
    assert not alone.compare([cut])[cut].agrees
    assert alone.rows == [("a", 10), ("b", 10), ("a", 30)]


def test_segments_are_sent_in_batches_and_judged_alike(tmp_path, monkeypatch):
    alone, cut = opened(tmp_path, activation=3)
    inner = dataclasses.replace(cut, out=cut.given[0], ops_a=(), ops_b=())
    together = alone.compare([cut, inner])
    monkeypatch.setattr("pipeline.drift.alone.MOST_BYTES", 1)
    again, _ = opened(tmp_path, activation=3)
    calls = []
    monkeypatch.setattr(again, "_compare", lambda batch: calls.append(len(batch)) or Alone._compare(again, batch))
    found = again.compare([cut, inner])
    assert calls == [1, 1]
    assert {one: near and near.agrees for one, near in found.items()} == {
        one: near and near.agrees for one, near in together.items()
    }
