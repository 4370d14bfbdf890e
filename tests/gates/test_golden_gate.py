"""Faults that drawn inputs hide show on the chosen ones; honest models pass; an output that never moves does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gates import explored, mini

from converters.contract import Arrays, Artifact
from converters.eager import runtime
from pipeline.checks.coverage import check_coverage
from pipeline.checks.exercise import Exercise
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity
from pipeline.golden_choice import Candidates, choose_by_reach
from pipeline.golden_inputs import AT_LIMITS, Chosen, select

pytestmark = pytest.mark.torch
COUNT = 64
FAULTS = ("relu6 became relu", "a range was clipped", "a branch was dropped")


def outputs(model: Artifact, inputs: Arrays) -> Arrays:
    return runtime.open(model, "torch-eager", 1).run_many(inputs)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return explored.artifact(tmp_path_factory.mktemp("honest"))


def chosen_for(model: Artifact, folder: Path) -> tuple[Chosen, Exercise]:
    real = Candidates({"image": explored.photos()}, np.arange(200) % 4)
    said: list[str] = []
    found = choose_by_reach(real, model.signature, COUNT, 0, explored.Explorer(model, folder), said.append)
    assert said
    return found[:2]


@pytest.fixture(scope="module")
def pack(honest: Artifact, tmp_path_factory: pytest.TempPathFactory) -> tuple[Chosen, Exercise]:
    return chosen_for(honest, tmp_path_factory.mktemp("chosen"))


@pytest.fixture(scope="module")
def drawn() -> Arrays:
    """What was proved on before: an even draw from the data."""
    images = explored.photos()
    return {"image": images[select({"image": images}, np.arange(200) % 4, COUNT, 0)]}


def parity(honest: Artifact, other: Artifact, inputs: Arrays, at_limits: np.ndarray | None = None) -> Check:
    specs = explored.SIGNATURE.outputs
    return check_parity(outputs(honest, inputs), outputs(other, inputs), specs, mini.parity_gate("fp32"), at_limits)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_beyond_the_data_shows_on_the_chosen_inputs_only(
    fault: str, honest: Artifact, pack: tuple[Chosen, Exercise], drawn: Arrays, tmp_path: Path
) -> None:
    faulty = explored.artifact(tmp_path, fault)
    assert parity(honest, faulty, drawn).outcome is Outcome.PASSED
    check = parity(honest, faulty, pack[0].inputs, pack[0].index == AT_LIMITS)
    assert check.outcome is Outcome.FAILED, check.metrics


def test_a_dead_class_shows(honest: Artifact, pack: tuple[Chosen, Exercise], tmp_path: Path) -> None:
    dead = explored.artifact(tmp_path, "a class died")
    assert parity(honest, dead, pack[0].inputs).outcome is Outcome.FAILED


def test_honest_models_pass(honest: Artifact, pack: tuple[Chosen, Exercise], tmp_path: Path) -> None:
    again = explored.artifact(tmp_path)
    found = runtime.open(again, "torch-eager", 1)
    single = [found.run({"image": image}) for image in pack[0].inputs["image"]]  # other sums: one at a time
    got = {"logits": np.stack([sample["logits"] for sample in single])}
    wanted = outputs(honest, pack[0].inputs)
    check = check_parity(wanted, got, explored.SIGNATURE.outputs, mini.parity_gate("fp32"))
    assert check.outcome is Outcome.PASSED, check.reasons


def test_what_was_exercised_is_told_and_passes(pack: tuple[Chosen, Exercise]) -> None:
    chosen, exercise = pack
    check = check_coverage(chosen.inputs, chosen.label, 4, mini.gates().coverage, exercise)
    assert check.outcome is Outcome.PASSED, check.reasons
    assert exercise.crossed == exercise.reachable > 0.5 * exercise.thresholds
    assert [text.partition(":")[0] for text in exercise.not_crossed] == ["clamp never below -1", "clamp never above 1"]
    assert check.metrics["thresholds_crossed"] == exercise.crossed


def test_real_inputs_alone_would_have_exercised_less(honest: Artifact, drawn: Arrays, tmp_path: Path) -> None:
    reach = explored.Explorer(honest, tmp_path).survey(drawn, {"image": (0.0, 255.0)}, False)
    relu6 = next(place for place, value in enumerate(reach.watched) if value.thresholds == (0.0, 6.0))
    start = sum(value.channels for value in reach.watched[:relu6])
    assert reach.greatest[:, start : start + 8].max() < 6


def test_all_of_it_is_within_the_legal_range_and_whole(pack: tuple[Chosen, Exercise]) -> None:
    images = pack[0].inputs["image"]
    assert (images.min(), images.max()) == (0, 255)
    assert (images == np.rint(images)).all()


def test_the_same_seed_gives_the_same_bytes(honest: Artifact, pack: tuple[Chosen, Exercise], tmp_path: Path) -> None:
    again = chosen_for(honest, tmp_path)
    assert again[0].inputs["image"].tobytes() == pack[0].inputs["image"].tobytes()
    assert again[1] == pack[1]


def test_an_output_that_never_moves_proves_nothing(pack: tuple[Chosen, Exercise]) -> None:
    still = {"logits": np.full((COUNT, 1, 4), 0.25, np.float32)}
    check = check_parity(still, still, explored.SIGNATURE.outputs, mini.parity_gate("fp32"))
    assert check.outcome is Outcome.FAILED
    assert "proves nothing" in check.reasons[0]


def test_one_output_of_several_that_never_moves_proves_nothing() -> None:
    outputs = mini.run(mini.parameters(), mini.images(COUNT))
    outputs["box"] = np.zeros_like(outputs["box"])
    check = check_parity(outputs, outputs, mini.OUTPUTS, mini.parity_gate("fp32"))
    assert check.outcome is Outcome.FAILED
    assert [reason.split(":")[0] for reason in check.reasons] == ["output `box`"]


def test_wide_answers_to_made_up_inputs_hide_no_error_on_real_ones() -> None:
    outputs = mini.run(mini.parameters(), mini.images(COUNT))
    made = np.arange(COUNT) >= COUNT - 8
    outputs = {name: np.where(made[:, None, None], 100 * values, values) for name, values in outputs.items()}
    wrong = {name: values + 3e-5 * np.ptp(values[~made]) * ~made[:, None, None] for name, values in outputs.items()}
    wrong = {name: values.astype(np.float32) for name, values in wrong.items()}
    gate = mini.parity_gate("fp32")
    assert check_parity(outputs, wrong, mini.OUTPUTS, gate).outcome is Outcome.PASSED
    check = check_parity(outputs, wrong, mini.OUTPUTS, gate, made)
    assert check.outcome is Outcome.FAILED
    assert "on real inputs alone: max_rel_range" in check.reasons[0]
