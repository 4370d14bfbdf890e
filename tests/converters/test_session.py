from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ContractError
from converters.session import Session

IMAGE = TensorSpec("image", (None, 3, 12, 20), "float32", "NCHW", meaning="image")
STORED = TensorSpec("image", (None, 12, 20, 3), "int8", "NHWC", 0.5, -128, "image")
LOGITS = TensorSpec("logits", (1, 5), "float32", "NC", meaning="logits")
ARTIFACT = Artifact(
    path=Path("m.tflite"),
    format=Format.TFLITE,
    precision=Precision.INT8_IO,
    signature=Signature((STORED,), (LOGITS,)),
    source=Signature((IMAGE,), (LOGITS,)),
    versions={"litert": "2"},
    builder_args={"width": 0.5, "mean": [1, 2]},
)


class Halves(Session):
    """Gives the mean of the stored image as every logit; keeps what it was called with."""

    def _call(self, inputs):
        self.seen = inputs["image"]
        return {"logits": np.full((1, 5), self.seen.astype(np.float32).mean(), np.float32)}


def test_a_session_takes_the_sources_layout_and_gives_the_file_its_own():
    session = Halves(ARTIFACT)
    given = np.arange(720, dtype=np.float32).reshape(1, 3, 12, 20) % 100
    session.run({"image": given})
    assert session.seen.shape == (1, 12, 20, 3)
    assert session.seen.dtype == np.int8
    assert session.seen[0, 4, 7, 2] == np.clip(given[0, 2, 4, 7] / 0.5 - 128, -128, 127)


@pytest.mark.parametrize(
    "bad",
    [
        {"picture": np.zeros((1, 3, 12, 20), np.float32)},
        {"image": np.zeros((1, 12, 20, 3), np.float32)},
        {"image": np.zeros((1, 3, 12, 20), np.float64)},
        {},
    ],
)
def test_a_session_refuses_what_does_not_fit_before_the_toolkit_sees_it(bad):
    session = Halves(ARTIFACT)
    with pytest.raises(ContractError, match="image"):
        session.run(bad)
    assert not hasattr(session, "seen")


def test_stacked_runs_and_times_have_a_row_for_each_sample():
    session = Halves(ARTIFACT)
    stacked = np.zeros((4, 1, 3, 12, 20), np.float32)
    stacked[2] = 10.0
    outputs = session.run_many({"image": stacked})["logits"]
    assert outputs.shape == (4, 1, 5)
    assert len(np.unique(outputs[:, 0, 0])) == 2
    assert session.time({"image": stacked}, 7).shape == (7,)


def test_a_toolkit_need_not_say_where_it_runs():
    session = Halves(ARTIFACT)
    assert session.placement() == []
    session.close()
