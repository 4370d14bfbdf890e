"""Pictures of the demo app's screens, for reports of bundles that it judged."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from converters.device import split_name
from pipeline.checks.outcome import Cell

PICTURES = Path(__file__).resolve().parents[2] / "docs/android"
"""Drawn by the app's own tests; a checkout has them, an installed package does not."""
FAMILIES = ("android", "android-jvm")
_SCREENS = {
    "home": "Home: the bundle, what the pipeline said of it, and the engines of the app",
    "self_check": "Self-check: every artifact, engine and device, judged by the bundle's own gates",
    "cell": "A row: every figure, and the sample on which the phone is farthest from the framework",
    "classify": "Classify: a sample, a drawing, the camera or the gallery, through two artifacts side by side",
    "benchmark": "Benchmark: first run, median and tail, and two artifacts raced in interleaved rounds",
}


@dataclass(frozen=True)
class Screen:
    """A picture as a `data:` address, and what it shows."""

    source: str
    words: str


def screens(cells: Iterable[Cell], folder: Path = PICTURES) -> list[Screen]:
    """The app's screens, where a cell was run by it; those whose pictures are here."""
    if not any(split_name(cell.runtime)[0] in FAMILIES for cell in cells):
        return []
    there = [(folder / f"{name}.png", words) for name, words in _SCREENS.items() if (folder / f"{name}.png").is_file()]
    return [Screen("data:image/png;base64," + base64.b64encode(p.read_bytes()).decode(), words) for p, words in there]
