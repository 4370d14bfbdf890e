from __future__ import annotations

import numpy as np
import pytest
from drift_models import dense
from gates.in_process import InProcess

from pipeline import config
from pipeline.drift.work import SAMPLES, Work, in_batches


def test_values_are_recorded_once_and_for_the_same_samples_in_both_files(tmp_path):
    a, b = dense(tmp_path / "a.tflite"), dense(tmp_path / "b.tflite")
    work = Work(a, b, None, InProcess(), config.load().limits)
    graph = work.ask(a, "graph")
    first = work.trace(a, graph, list(graph.inputs))
    second = work.trace(b, graph, list(graph.inputs))
    assert all(len(first[index]) == SAMPLES for index in graph.inputs)
    assert all(np.array_equal(first[index], second[index]) for index in graph.inputs)
    assert work.trace(a, graph, list(graph.inputs))[graph.inputs[0]] is first[graph.inputs[0]]


@pytest.mark.parametrize(
    ("sizes", "batches"), [([], []), ([3, 3, 3, 9, 1, 1], [[3, 3], [3], [9], [1, 1]]), ([2, 4], [[2, 4]])]
)
def test_batches_are_as_large_as_they_may_be_and_lose_nothing(sizes, batches):
    assert list(in_batches(sizes, int, 6)) == batches
