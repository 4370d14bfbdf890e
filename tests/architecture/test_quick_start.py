"""What a run that finds everything unchanged loads: nothing that only work or a new report needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from architecture.sources import ROOT

NOT_NEEDED = {
    "pipeline.run": ("jinja2", "markupsafe", "psutil", "scipy", "PIL", "xml", "pipeline.report.html_report"),
    "pipeline.cli": ("jinja2", "numpy", "psutil", "rich", "scipy", "pipeline.run"),
}


@pytest.mark.parametrize("start", NOT_NEEDED)
def test_the_start_loads_only_what_it_needs(start: str) -> None:
    code = f"import sys, {start}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert start in loaded
    wrong = loaded.intersection(NOT_NEEDED[start])
    assert not wrong, f"`{start}` must start at once: import {sorted(wrong)} inside the functions that use it"
