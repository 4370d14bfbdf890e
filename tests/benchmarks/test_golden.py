from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gates import explored, mini
from safetensors.numpy import save_file

from benchmarks.golden import Seen, read, trial
from pipeline.checks.outcome import Outcome

ROWS = [
    Seen("a", drawn=True, chosen=True, others=True),
    Seen("b", drawn=False, chosen=True, others=False),
    Seen("c", drawn=False, chosen=False, others=True),
    Seen("never seen", drawn=False, chosen=False, others=False),
]


def test_the_share_is_of_faults_that_show_anywhere() -> None:
    figure = read(ROWS, 256)
    assert figure.value == pytest.approx(100 / 3)
    assert figure.outcome is Outcome.FAILED
    assert figure.detail == "3 faults, 256 samples; as many drawn samples hide 67 %"
    assert read(ROWS[:2], 256).outcome is Outcome.PASSED


def test_nothing_seen_at_all_is_no_success() -> None:
    assert read(ROWS[3:], 256).outcome is Outcome.FAILED


@pytest.mark.torch
def test_faults_are_planted_seen_and_taken_out_again(tmp_path: Path) -> None:
    sets = {"drawn": explored.photos(32), "chosen": explored.photos(32, 1), "others": explored.photos(32, 2)}
    sets["chosen"][::2] = np.where(sets["chosen"][::2] > 120, 255, 0)
    sets["calibration"] = sets["drawn"][:8]
    files = {name: tmp_path / f"{name}.safetensors" for name in sets}
    for name, images in sets.items():
        save_file({"image": images}, files[name])
    np.save(files["chosen"].with_suffix(".npy"), np.arange(32) % 2 == 0, allow_pickle=False)
    rows = {row.fault: row for row in trial(explored.artifact(tmp_path), files, mini.parity_gate("fp32"))}
    raised = rows["clip: RELU6 became RELU"]
    assert (raised.drawn, raised.chosen) == (False, True)
    assert rows["clip: RELU6 has no lower end"].drawn
    assert len(rows) == 3 * 4
