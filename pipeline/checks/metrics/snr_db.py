"""Signal to noise ratio against the reference."""

from __future__ import annotations

import numpy as np

from pipeline.checks.metrics.measure import measure

SNR_CAP_DB = 200.0
"""Reported for equal tensors: JSON has no infinity, and float32 ends near 150 dB."""


def decibel(signal: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """10 log10(signal / noise), each a power, kept within plus and minus `SNR_CAP_DB`."""
    tiny = np.finfo(np.float64).tiny
    ratio = 10.0 * (np.log10(np.maximum(signal, tiny)) - np.log10(np.maximum(noise, tiny)))
    return np.where(noise == 0, SNR_CAP_DB, np.clip(ratio, -SNR_CAP_DB, SNR_CAP_DB))


@measure(unit="dB", better="higher")
def snr_db(reference: np.ndarray, got: np.ndarray) -> np.ndarray:
    """10 log10(sum reference^2 / sum (got - reference)^2) of each sample, within +-200 dB; 200 where equal."""
    return decibel(np.square(reference).sum(axis=1), np.square(got - reference).sum(axis=1))
