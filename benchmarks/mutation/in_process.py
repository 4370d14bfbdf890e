"""Workers that are this process: what they are asked is the same, and it starts at once."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


class InProcess:
    """Stands for a WorkerPool where nothing crashes."""

    def __init__(self, log_folder: Path = Path()) -> None:
        self.log_folder = log_folder

    def call(self, worker: str, target: str, timeout_s: float, on_progress: Any = None, **arguments: Any) -> Any:
        """As `WorkerPool.call`, here and now."""
        module, _, name = target.partition(":")
        return getattr(importlib.import_module(module), name)(**arguments)
