from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.metrics.snr_db import SNR_CAP_DB, snr_db


def test_twenty_decibel_is_a_tenth_of_the_amplitude() -> None:
    reference = np.array([[3.0, 4.0], [30.0, 40.0]])
    np.testing.assert_allclose(snr_db(reference, reference * 1.1), [20.0, 20.0])


def test_the_signal_is_the_reference() -> None:
    assert snr_db(np.array([[1.0]]), np.array([[11.0]]))[0] == pytest.approx(-20.0)
    assert snr_db(np.array([[11.0]]), np.array([[1.0]]))[0] == pytest.approx(20 * np.log10(1.1))


def test_equal_tensors_are_capped_as_json_has_no_infinity() -> None:
    assert snr_db(np.zeros((1, 3)), np.zeros((1, 3))).tolist() == [SNR_CAP_DB]
    assert snr_db(np.ones((1, 3)), np.ones((1, 3))).tolist() == [SNR_CAP_DB]


def test_a_reference_of_zeros_has_no_signal() -> None:
    assert snr_db(np.zeros((1, 3)), np.ones((1, 3))).tolist() == [-SNR_CAP_DB]
