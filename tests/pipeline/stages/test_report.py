from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
import toy_workers
from gates import mini
from toy_workers import ToyWorkers

from pipeline import publish
from pipeline.stages.report import MOST_FLIPS, build_report, control_note


class Wavering(ToyWorkers):
    """A runtime that swaps two classes of the first five test images."""

    def _run_samples(self, runtime, **arguments):
        outputs = super()._run_samples(runtime, **arguments)
        if "eager" not in runtime and len(outputs["logits"]) == 128:
            outputs["logits"][:5] = np.roll(outputs["logits"][:5], 1, axis=-1)
        return outputs


def found(folder, workers=None, data=True):
    request = toy_workers.request(folder / "p", "fp32", "fp16")
    if data:
        request = dataclasses.replace(request, data=str(toy_workers.write_data(folder / "toy.npz")))
    done = toy_workers.finish(request, folder / "ws", workers)
    made = publish._made(done.plan, done.results)
    return publish._found(done.plan, done.gates, done.cells, done.results, made)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return found(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def wavering(tmp_path_factory):
    return found(tmp_path_factory.mktemp("wavering"), Wavering())


def build(given):
    return build_report(given, "a title", "edge-export run")


def test_the_card_tells_the_references_own_accuracy_and_sizes(sound):
    (card,) = build(sound).models
    labels = np.asarray(sound.data.test.targets)
    right = mini.run(mini.parameters(), np.asarray(sound.data.test.inputs["image"], np.float32)[:, None])["logits"]
    assert card.accuracy == pytest.approx((right[:, 0].argmax(axis=1) == labels).mean())
    assert 0.5 < card.accuracy < 1
    assert card.test_samples == 128
    assert card.parameters == sum(values.size for values in mini.parameters().values())
    assert card.inputs == ("image 1x12x20x3 float32 NHWC",)
    assert card.golden_samples > 64


def test_a_model_without_data_has_no_accuracy_and_the_reader_is_told(tmp_path):
    report = build(found(tmp_path, data=False))
    assert report.models[0].accuracy is None
    assert report.models[0].test_samples == 0
    assert report.flips == ()
    assert any("accuracy was NOT_RUN" in note for note in report.notes)


def test_cells_artifacts_and_notes_are_passed_on_whole(sound):
    given = dataclasses.replace(sound, notes=("no route makes int8",))
    report = build(given)
    assert report.cells == tuple(sound.cells)
    assert [row.file for row in report.artifacts] == ["net_torch_onnx_fp32.onnx", "net_torch_onnx_fp16.onnx"]
    assert [row.sha256 for row in report.artifacts] == [artifact.sha256 for artifact in sound.artifacts]
    assert "no route makes int8" in report.notes
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", report.created)
    assert not any("accuracy was NOT_RUN" in note for note in report.notes)
    json.dumps(report.gates)


def test_nothing_flipped_shows_nothing(sound):
    assert [flip for flip in build(sound).flips if "fp32" in flip.cell] == []


def test_flipped_images_are_shown_with_the_cells_that_flip_them(wavering):
    flips = build(wavering).flips
    assert {flip.sample for flip in flips} <= set(range(5))
    assert len(flips) >= 4
    shown = {flip.cell for flip in flips} | {also for flip in flips for also in flip.also}
    assert shown == {cell.id for cell in wavering.cells}
    assert len(flips) <= MOST_FLIPS
    assert all(flip.png_base64 for flip in flips)


def test_a_failed_measurement_loses_its_own_flips_only(wavering):
    first = wavering.cells[0].id
    rest = {name: entry for name, entry in wavering.measurements.items() if name != first}
    flips = build(dataclasses.replace(wavering, measurements=rest)).flips
    assert flips
    assert all(first not in (flip.cell, *flip.also) for flip in flips)


def test_unlabelled_data_gives_no_flips_and_no_accuracy(wavering):
    test = dataclasses.replace(wavering.data.test, targets=None)
    report = build(dataclasses.replace(wavering, data=dataclasses.replace(wavering.data, test=test)))
    assert report.flips == ()


def test_a_model_that_never_ran_still_has_its_card(sound):
    (card,) = build(dataclasses.replace(sound, references={})).models
    assert (card.name, card.accuracy, card.golden_samples) == ("net", None, 0)


def test_every_report_tells_how_the_latency_control_came_out(sound):
    (note,) = (note for note in build(sound).notes if note.startswith("latency control: "))
    assert re.search(rf"in {len(sound.cells)} measurements .* equal in \d+, different in 0 .*, neither in \d+", note)
    cell = sound.cells[0]
    check = next(check for check in cell.checks if check.name == "latency")
    metrics = {**check.metrics, "control": "slower", "noise": "other programs took 40% of the CPU"}
    loud = dataclasses.replace(cell, checks=(dataclasses.replace(check, metrics=metrics),))
    assert "different in 1 (there no ratio is told)" in control_note([loud])
    assert control_note([loud]).endswith("; noise in 1, at first: other programs took 40% of the CPU")
    assert control_note([dataclasses.replace(cell, checks=())]) == ""
