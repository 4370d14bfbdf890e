"""Functions that worker tests call in the child; here so that the child can import them."""

from __future__ import annotations


def count(to, on_progress):
    for step in range(to):
        on_progress({"step": step})
    return to
