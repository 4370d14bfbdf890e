"""Layers by name in a recipe."""

from __future__ import annotations

import re


def exactly(name: str) -> str:
    """The regular expression that finds a tensor of just this name."""
    return f"^{re.escape(name)}$"
