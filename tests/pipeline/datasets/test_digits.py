from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from converters.errors import UnavailableError
from pipeline.datasets import digits


def test_the_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    data, theirs = digits.load(seed=0), load_digits()
    assert data.train is not None
    assert (data.image_shape, data.classes, len(data.train) + len(data.test)) == ((8, 8, 1), 10, 1797)
    ours = np.concatenate([data.train.inputs["image"], data.test.inputs["image"]])[..., 0]
    assert ours.max() == 255
    assert sorted(row.tobytes() for row in np.round(theirs.images * 255 / 16).astype(np.uint8)) == sorted(
        row.tobytes() for row in ours
    )


def test_the_fingerprint_needs_no_scikit_learn_in_memory() -> None:
    code = (
        "import sys; from pipeline.datasets import digits; digits.fingerprint(); digits.load(0);"
        " assert 'sklearn' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install scikit-learn"):
        digits.fingerprint()
