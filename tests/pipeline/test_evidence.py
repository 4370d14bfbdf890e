from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import toy_workers
from gates.timings import simulated

from converters.contract import Format, Precision
from pipeline import evidence
from pipeline.store import Entry


@pytest.fixture
def entry(tmp_path):
    return Entry(tmp_path, "k", {}, 1.0)


def scores(n=3):
    return np.arange(n * 5, dtype=np.float32).reshape(n, 1, 5)


def test_reference_outputs_are_told_from_inputs_of_the_same_name(entry):
    arrays = {"input/logits": scores() * 0, "output/logits": scores(), "label": np.arange(3)}
    evidence.save(entry.file(evidence.TEST), arrays)
    labelled = evidence.read_labelled(entry)
    assert list(labelled.outputs) == ["logits"]
    np.testing.assert_array_equal(labelled.outputs["logits"], scores())
    np.testing.assert_array_equal(labelled.targets, [0, 1, 2])


def test_unlabelled_data_has_outputs_and_no_targets(entry):
    evidence.save(entry.file(evidence.TEST), {"output/logits": scores()})
    assert evidence.read_labelled(entry).targets is None


def test_a_model_without_data_has_no_test_split(entry):
    assert evidence.read_labelled(entry) is None


def test_a_measurement_comes_back_whole_and_its_test_split_is_not_its_golden_one(entry):
    evidence.save(entry.file(evidence.GOLDEN_OUTPUTS), {"logits": scores(2)})
    entry.file(evidence.FACTS).write_text(json.dumps({"placement": [("CONV_2D", "xnnpack")]}))
    assert evidence.read_measured(entry).test is None
    evidence.save(entry.file(evidence.TEST), {"logits": scores(7)})
    measured = evidence.read_measured(entry)
    assert (len(measured.golden["logits"]), len(measured.test["logits"])) == (2, 7)
    assert measured.placement == [("CONV_2D", "xnnpack")]


def test_transposed_views_are_stored_by_value_not_by_memory(entry):
    view = np.arange(6, dtype=np.float32).reshape(2, 3).T
    evidence.save(entry.file(evidence.GOLDEN_OUTPUTS), {"x": view})
    entry.file(evidence.FACTS).write_text('{"placement": []}')
    np.testing.assert_array_equal(evidence.read_measured(entry).golden["x"], view)


def test_an_inspection_comes_back_as_it_was(entry, tmp_path):
    toy_workers.save(tmp_path / "w", Precision.FP16)
    found = toy_workers.inspection(tmp_path / "w", Format.ONNX)
    entry.file(evidence.FACTS).write_text(json.dumps(dataclasses.asdict(found)))
    assert evidence.read_inspection(entry) == found


def test_timings_come_back_with_their_pairs_in_place(entry):
    timed = simulated(3)
    entry.file(evidence.TIMINGS).write_text(json.dumps(timed.to_json()))
    found = evidence.read_timings(entry)
    np.testing.assert_array_equal(found.a_s, timed.a_s)
    np.testing.assert_array_equal(found.control_s, timed.control_s)
    assert found.disturbance == timed.disturbance


def test_the_parameter_count_is_a_number(entry):
    entry.file(evidence.FACTS).write_text('{"parameters": 36000}')
    assert evidence.read_parameters(entry) == 36000


def test_sequences_are_laid_beside_as_many_as_the_artifact_ran_with_the_rounding_of_its_bits(tmp_path):
    reference, measurement = (Entry(tmp_path / name, "k", {}, 1.0) for name in ("reference", "measurement"))
    for each in (reference, measurement):
        each.folder.mkdir()
    facts = {
        "carried": {"stateN": "state"},
        "sequence_rounding": {"snr_db": 120.0},
        "sequence_rounded": {"snr_db": 30.0},
    }
    reference.file(evidence.FACTS).write_text(json.dumps(facts))
    kept = {"input/x": scores(64), "output/y": scores(64), "output/stateN": scores(64) + 1}
    evidence.save(reference.file(evidence.SEQUENCE), kept)
    evidence.save(measurement.file(evidence.SEQUENCE), {"y": scores(32), "stateN": scores(32)})
    fed = evidence.read_fed(reference, measurement, bits=False)
    assert (fed.carried, fed.rounding, sorted(fed.right)) == ({"stateN": "state"}, {"snr_db": 120.0}, ["stateN", "y"])
    np.testing.assert_array_equal(fed.right["stateN"], scores(64)[:32] + 1)
    assert evidence.read_fed(reference, measurement, bits=True).rounding == {"snr_db": 30.0}
    reference.file(evidence.FACTS).write_text("{}")
    assert evidence.read_fed(reference, measurement, bits=False) is None
