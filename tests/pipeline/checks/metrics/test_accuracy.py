from __future__ import annotations

import numpy as np
import pytest

from converters.errors import ContractError
from pipeline.checks.metrics.accuracy import correct, predictions

SCORES = np.array([[[0.1, 0.9]], [[0.8, 0.2]], [[0.4, 0.6]]])


def test_the_class_with_the_best_score() -> None:
    assert predictions(SCORES).tolist() == [1, 0, 1]
    assert correct(np.array([1, 1, 1]), SCORES).tolist() == [True, False, True]


def test_a_single_score_is_a_logit_or_a_probability() -> None:
    assert predictions(np.array([[-2.0], [0.3], [3.0]])).tolist() == [0, 1, 1]
    assert predictions(np.array([[0.2], [0.3], [0.9]])).tolist() == [0, 0, 1]


def test_the_reference_decides_which() -> None:
    assert predictions(np.array([[0.2], [0.9]]), like=np.array([[-4.0], [4.0]])).tolist() == [1, 1]


def test_nan_has_no_class() -> None:
    with pytest.raises(ContractError, match="no class can be read"):
        predictions(np.array([[0.1, np.nan]]))


def test_no_samples() -> None:
    with pytest.raises(ContractError, match="hold no samples of classes"):
        predictions(np.zeros((0, 10)))


def test_labels_of_another_count() -> None:
    with pytest.raises(ContractError, match=r"3 samples, but labels of shape \(2,\)"):
        correct(np.array([1, 0]), SCORES)
