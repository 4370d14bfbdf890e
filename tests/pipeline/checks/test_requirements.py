from __future__ import annotations

from gates import files

from pipeline.checks.outcome import Outcome
from pipeline.checks.requirements import check_requirements


def test_it_tells_the_runtime_the_version_and_why():
    check = check_requirements(files.tflite_int8().inspection(), None)
    assert check.outcome is Outcome.PASSED
    assert check.metrics == {
        "runtime": "TensorFlow Lite",
        "least_version": "1.14.0",
        "because": "CONV_2D of version 3",
        "claimed": "1.14.0",
    }
