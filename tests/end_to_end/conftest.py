from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from converters.devices import cache

CACHE = {cache.VARIABLE: str(cache.root())}
"""The user's own, before a test moves the home away: the toolchains that are there are the same in every run."""


@dataclass
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def cli():
    """Runs `edge-export` as a user does, in a process of its own."""

    def run(*arguments, cwd, timeout=540, **environment):
        command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
        env = {**os.environ, **CACHE, "COLUMNS": "200", **environment}
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


TWO_IN_TWO_OUT = '''
import torch
from torch import nn


class Net(nn.Module):
    """Two inputs, two outputs, not square, three channels."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 16, 3, 1, 1)
        self.vector = nn.Linear(5, 16)
        self.head = nn.Linear(16, 7)
        self.aside = nn.Linear(16, 3)

    def forward(self, picture, extra):
        hidden = torch.relu(self.second(torch.relu(self.norm(self.first(picture)))))
        hidden = hidden.mean((2, 3)) + self.vector(extra)
        return {"scores": self.head(hidden), "box": self.aside(hidden)}


def build():
    return Net()


def example_inputs():
    return {"picture": torch.randn(1, 3, 12, 20), "extra": torch.randn(1, 5)}
'''


@pytest.fixture(scope="session")
def own_model(tmp_path_factory) -> Path:
    """A folder with a user's own PyTorch model in `net.py`."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "net.py").write_text(TWO_IN_TWO_OUT)
    return folder
